"""Damages models and manifests of each kind, and reads them: results, refusals of one line, times and memory.

    python -m tests.tools.mutate_models --count 10000 --seed 1

Anything but a result or one line (an exception, a line with a break, more than 5 s) is kept in --out and ends with
status 1.
"""

import argparse
import collections
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.support.damaged_models import MANIFEST, MODELS, damage, end_of

SLOW_S = 5.0


def main(argv: list[str] | None = None) -> int:
    """Runs the kinds one after the other. Returns 1 where something else than a result or a line came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[*MODELS, MANIFEST, []], help="default: all")
    parser.add_argument("--count", type=int, default=1000, help="files of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/mutations"), help="folder of what was found")
    args = parser.parse_args(argv)
    found = sum(_damage(kind, args) for kind in args.kinds or [*MODELS, MANIFEST])
    return 1 if found else 0


def _damage(kind: str, args: argparse.Namespace) -> int:
    results: collections.Counter[str] = collections.Counter()
    found, slowest, start_s = 0, 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number, runs in enumerate(damage(kind, args.count, args.seed, Path(folder))):
            for way, run in runs.items():
                begin_s = time.monotonic()
                fault = None
                try:
                    refusal = end_of(run)
                except Exception:
                    fault = traceback.format_exc()
                else:
                    results[f"{way}: {'result' if refusal is None else 'refused'}"] += 1
                    fault = refusal if refusal and "\n" in refusal else None
                taken_s = time.monotonic() - begin_s
                slowest = max(slowest, taken_s)
                if taken_s > SLOW_S:
                    fault = f"{taken_s:.1f} s"
                if fault is not None:
                    found += 1
                    _keep(args, f"{kind}_{args.seed}_{number}_{way}", fault)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    ends = ", ".join(f"{end} {count}" for end, count in sorted(results.items()))
    print(
        f"{kind}: {args.count} files, seed {args.seed}: {ends}; {found} faults; slowest {slowest:.2f} s, "
        f"at most {memory} MB, {time.monotonic() - start_s:.0f} s in all",
        flush=True,
    )
    return found


def _keep(args: argparse.Namespace, name: str, fault: str) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{name}.txt").write_text(fault)
    print(f"FOUND {name}: {fault.strip().splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
