"""Checks over bad wires, many of them: how many end right, which errors the others end with.

    python -m tests.tools.check_in_chaos --checks 1000 --jobs 8 --json FILE

Exit 1 when one hangs, crashes or finds an integer that differs. --first SEED --checks 1 repeats one.
"""

import argparse
import collections
import concurrent.futures
import functools
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_reference.cli.progress import Progress
from kws_reference.system import files

from tests.support import chaos_checks, clip_files, firmware
from tests.support.chaos import Weather
from tests.support.chaos_checks import Outcome


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first (default: 0)")
    parser.add_argument("--jobs", type=int, default=4, help="at once, each with a firmware of its own (default: 4)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the summary as JSON")
    args = parser.parse_args(argv)
    program = firmware.real_firmware()
    outcomes: list[Outcome] = []
    progress = Progress("checking", args.checks)
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "left" / "word.wav"
        clip_files.write_wav(audio, clip_files.word())
        seeds = list(range(args.first, args.first + args.checks))
        with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
            work = functools.partial(_checks, program, audio)
            for some in pool.map(work, [seeds[start : start + 10] for start in range(0, len(seeds), 10)]):
                outcomes += some
                progress.update(len(outcomes))
    summary = summarise(outcomes)
    print(json.dumps(summary, indent=1))
    for outcome in outcomes:
        if not outcome.is_fine:
            print(f"seed {outcome.seed}: {outcome.verdict}: {outcome.line}", file=sys.stderr)
    if args.json:
        files.replace(args.json, (json.dumps(summary, indent=1) + "\n").encode())
    return 0 if all(outcome.is_fine for outcome in outcomes) else 1


def _checks(program: Path, audio: Path, seeds: list[int]) -> list[Outcome]:
    """A few checks, one after the other, of a firmware that lives through them."""
    with firmware.running(program) as board:
        return [chaos_checks.check(board.port, audio, seed) for seed in seeds]


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts of the verdicts, by how often a byte is damaged, and of the errors; and the longest check."""
    verdicts = collections.Counter(outcome.verdict for outcome in outcomes)
    errors = collections.Counter(outcome.error for outcome in outcomes if outcome.verdict == "refused")
    by_damage = {mean: collections.Counter[str]() for mean in Weather.MEAN_BYTES_BETWEEN}
    for outcome in outcomes:
        weather = Weather.of_seed(outcome.seed)
        by_damage[weather.bytes_between]["unplugged" if weather.unplug_after else outcome.verdict] += 1
    longest = max(outcomes, key=lambda outcome: outcome.seconds)
    return {
        "checks": len(outcomes),
        "verdicts": {name: verdicts[name] for name in ("right", "refused", "mismatch", "hang", "crash")},
        "streamed_again": sum(outcome.streamed_again for outcome in outcomes),
        "longest_s": round(longest.seconds, 1),
        "longest_seed": longest.seed,
        "by_bytes_between_damages": {str(mean): dict(sorted(counts.items())) for mean, counts in by_damage.items()},
        "errors": dict(errors.most_common()),
    }


if __name__ == "__main__":
    sys.exit(main())
