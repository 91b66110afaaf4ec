"""Options of choosing thresholds on speech, for ``kws-train evaluate`` and ``export``."""

import argparse
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.evaluate.metrics import CONFIDENCE
from kws_training.evaluate.speech.job import DEFAULT_PER_HOUR, Choice


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Adds ``--choose-thresholds`` and what belongs to it."""
    group = parser.add_argument_group(
        "choosing thresholds",
        "on --speech, of speakers who validate unless --speakers says otherwise, and --validation",
    )
    group.add_argument(
        "--choose-thresholds",
        action="store_true",
        default=None,
        help="choose smoothing window, refractory period and thresholds",
    )
    add_wanted_rate(group)
    group.add_argument("--extra", type=Path, help="further clips, such as voices: validation split of a folder")
    group.add_argument(
        "--write-thresholds", action="store_true", default=None, help="write the chosen ones into the bundle"
    )


def add_fold(group: argparse._ArgumentGroup) -> None:
    """Adds ``--speech-fold``."""
    group.add_argument(
        "--speech-fold",
        metavar="K/N",
        help="the fold of kws-train fit --speech-fold, by which speakers train or validate (default: that of fit)",
    )


def add_wanted_rate(group: argparse._ArgumentGroup) -> None:
    """Adds ``--false-accepts-per-hour`` and ``--confidence``."""
    group.add_argument(
        "--false-accepts-per-hour",
        type=float,
        metavar="RATE",
        help="expected of all keywords together, with --confidence "
        f"(default {DEFAULT_PER_HOUR:g}, or as few as the speech can tell)",
    )
    group.add_argument(
        "--confidence",
        type=float,
        help="of the upper bound of the rate at a threshold of 0.5, by which those above are told, 0 to 1 "
        f"(default {CONFIDENCE:g})",
    )


def choice_of(args: argparse.Namespace) -> Choice | None:
    """The thresholds to choose, if any; refuses options of choosing that mean nothing together."""
    if args.choose_thresholds:
        if not args.validation:
            raise KwsError(
                "thresholds are chosen by clips of validation speakers; test clips would flatter every later figure. "
                "Give --validation."
            )
        return Choice(
            per_hour=args.false_accepts_per_hour,
            confidence=CONFIDENCE if args.confidence is None else args.confidence,
            extra=args.extra,
            write=bool(args.write_thresholds),
        )
    for name in ("false_accepts_per_hour", "confidence", "extra", "write_thresholds"):
        if getattr(args, name) is not None:
            raise KwsError(f"--{name.replace('_', '-')} belongs to --choose-thresholds. Give it too.")
    return None
