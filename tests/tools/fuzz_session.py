"""Fuzzes the firmware's application from the wire on, as long as you like, and renews the committed inputs.

    python -m tests.tools.fuzz_session --runs 1000000              # what it finds lies in build/fuzz
    python -m tests.tools.fuzz_session --runs 100000 --overwrite   # and the smallest inputs with the same coverage stay

Needs clang++. An input that fails ends it with exit status 1 and the file's name; `tests/support/session_fuzz.py` has
the program that runs it again.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support import session_fuzz
from tests.support.paths import ROOT

FOLDER = ROOT / "build" / "fuzz"
LONGEST = 4096
"""Bytes of an input: enough for more audio than the ring of the link holds."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000, help="how many inputs (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default: 1)")
    parser.add_argument("--overwrite", action="store_true", help=f"renew {session_fuzz.CORPUS.relative_to(ROOT)}")
    args = parser.parse_args(argv)
    if shutil.which("clang++") is None:
        print("error: clang++ is not installed: libFuzzer needs it (make test installs it).", file=sys.stderr)
        return 2
    program, began = session_fuzz.program(fuzzing=True), time.monotonic()
    found = FOLDER / "found"
    session_fuzz.write_inputs(FOLDER / "given", [*session_fuzz.corpus(), *session_fuzz.seeds()])
    found.mkdir(exist_ok=True)
    result = session_fuzz.fuzz(
        program, FOLDER, [found, FOLDER / "given"], runs=args.runs, seed=args.seed, longest=LONGEST
    )
    seconds = time.monotonic() - began
    if result.returncode:
        print(result.stderr[-3000:], file=sys.stderr)
        return 1
    covered = re.findall(r"cov: (\d+)", result.stderr)
    print(f"{args.runs:,} inputs in {seconds:.0f} s, {args.runs / seconds:,.0f} a second, coverage {covered[-1]}")
    if args.overwrite:
        smallest = FOLDER / "smallest"
        shutil.rmtree(smallest, ignore_errors=True)
        smallest.mkdir()
        options = ["-merge=1", "-use_counters=0", f"-max_len={LONGEST}"]
        command = [str(word) for word in (program, *options, smallest, found, FOLDER / "given")]
        subprocess.run(command, cwd=FOLDER, env=os.environ | session_fuzz.ENVIRONMENT, check=True)
        session_fuzz.write_corpus(_inputs(smallest))
    return 0


def _inputs(folder: Path) -> list[bytes]:
    return sorted((path.read_bytes() for path in folder.iterdir()), key=lambda data: (len(data), data))


if __name__ == "__main__":
    sys.exit(main())
