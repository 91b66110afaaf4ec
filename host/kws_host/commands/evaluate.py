"""``kws-host evaluate``: a test set, or hours of speech, through the firmware on emulated cores, against Python's."""

import argparse
import os
import time
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_host import clips, heard, options, report
from kws_host.bulk_run import EmulatedBoard
from kws_host.detections import detection_lines
from kws_host.emulator import qemu
from kws_host.evaluation import EvaluateJob, evaluate
from kws_host.project import firmware_of
from kws_host.reference_cache import ReferenceCache
from kws_host.screen import table

SHOWN_DIFFERENCES = 10
SHOWN_DETECTIONS = 50


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "evaluate", help="run a whole test set on emulated cores and in Python", description=__doc__
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folders of WAV files named after their label")
    parser.add_argument(
        "--speech",
        action="store_true",
        help="FOLDER holds long recordings by any names: list what is detected in them, and how often in an hour",
    )
    options.add_bundle(parser)
    parser.add_argument("--board", default="mps2_an386", help="emulated board, or environment (default: %(default)s)")
    parser.add_argument("--elf", type=Path, help="firmware (default: .pio/build/BOARD/firmware.elf)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="emulators at once (default: cores)")
    options.add_limit(parser)
    parser.add_argument(
        "--cache", type=Path, help="folder of reference results (default: $KWS_CACHE or ~/.cache/kws-kit)"
    )
    parser.add_argument("--no-cache", action="store_true", help="compute the reference anew")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Evaluates. Returns 1 when the device and Python differ anywhere."""
    start = time.monotonic()
    report.require_writable(args.json)
    job = _job(args)
    notes = [] if job.is_speech else heard.notes(job.bundle, job.audio)
    result = evaluate(job) | {"total_seconds": round(time.monotonic() - start, 1), "jobs": job.jobs}
    if args.json:
        report.write_json(args.json, result)
    if args.json != "-":
        print("\n".join([*notes, _text(result)]))
    return program.CHECK_FAILED if result["differing_clips"] else program.OK


def _job(args: argparse.Namespace) -> EvaluateJob:
    if args.jobs < 1:
        raise KwsError(f"--jobs must be at least 1. Received: {args.jobs}.")
    bundle = Bundle.load(args.bundle)
    board = EmulatedBoard(args.board, args.elf or firmware_of(args.board))
    qemu.command_line(board.config())  # names what is missing before the work
    if args.speech:
        chosen = clips.draw(clips.find_speech(args.folder), args.limit, args.seed)
    else:
        chosen = clips.find([args.folder], bundle, limit=args.limit, seed=args.seed)
    progress, audio = Progress("reading", len(chosen)), []
    for clip in chosen:
        audio.append(clip.read(bundle))
        progress.update(len(audio))
    cache = None if args.no_cache else ReferenceCache(args.cache or _cache_folder())
    return EvaluateJob(bundle, tuple(chosen), tuple(audio), board, args.jobs, cache, args.speech)


def _cache_folder() -> Path:
    return Path(os.environ.get("KWS_CACHE", Path.home() / ".cache" / "kws-kit"))


def _text(result: dict) -> str:
    lines = [f"DIFFERS clip {item['clip']}, {item['first']}" for item in result["differences"][:SHOWN_DIFFERENCES]]
    if "speech" in result:
        lines += detection_lines(result["speech"], SHOWN_DETECTIONS)
    else:
        lines.append(_confusion_table(result["confusion"]))
    if result["labelled"]:
        lines.append(
            f"Accuracy measured on {result['board']}: {100 * result['accuracy_on_device']:.2f} % "
            f"({result['right_on_device']} of {result['labelled']}); "
            f"in Python: {100 * result['accuracy_in_python']:.2f} %."
        )
    lines.append(
        f"{result['agreeing_clips']} of {result['clips']} clips agree with Python in every feature frame, score and "
        f"detection of {result['steps']:,} steps. Device {result['device_seconds']} s ({result['jobs']} emulators), "
        f"reference {result['reference_seconds']} s{' (cached)' if result['reference_cached'] else ''}, "
        f"all {result['total_seconds']} s."
    )
    return "\n".join(lines)


def _confusion_table(confusion: dict[str, dict[str, int]]) -> str:
    rows = []
    for label, counts in confusion.items():
        total = sum(counts.values())
        wrong = {name: count for name, count in counts.items() if name != label and count}
        worst = ", ".join(f"{name} {count}" for name, count in sorted(wrong.items(), key=lambda x: -x[1])[:3])
        share = f"{100 * counts[label] / total:.1f} %" if total else "-"
        rows.append((label, total, counts[label], share, worst or "-"))
    return table(("label", "clips", "right", "share", "most often heard instead"), rows, right=(1, 2, 3))
