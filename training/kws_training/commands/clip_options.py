"""What the subcommands that read clips share: labels, seeds, folders of further clips, clips that calibrate."""

import argparse
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.labels import words_of

from kws_training.data.speech_commands import FolderSpec

CALIBRATION_CLIPS = 200
LARGEST_SEED = 2**32 - 1  # of numpy's older generators, which Keras seeds too


def add_extra(parser: argparse.ArgumentParser) -> None:
    """Adds ``--extra`` and ``--extra-names``."""
    parser.add_argument(
        "--extra",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="more training clips: a subfolder for each word; words that are no label are unknown ones; repeatable",
    )
    parser.add_argument(
        "--extra-names", type=Path, metavar="FILE", help="of the first --extra take only the clips that this file lists"
    )


def check_extra(args: argparse.Namespace) -> None:
    """Refuses a list without its folder, and folders that lie in each other: the outer one would hold the inner one's.

    Raises:
      KwsError: see there.
    """
    if args.extra_names and not args.extra:
        raise KwsError("--extra-names lists clips of --extra. Give --extra too.")
    folders = [path for path in (args.data, *args.extra) if path]
    for outer in folders:
        for inner in folders:
            if outer.resolve() in inner.resolve().parents:
                raise KwsError(
                    f"{inner} lies in {outer}: its recordings would count twice, once by another folder's word. "
                    "Move it out, or give the outer one alone."
                )


def extra_folders(args: argparse.Namespace) -> list[FolderSpec]:
    """The folders of ``--extra``."""
    return [
        FolderSpec(path, None if index else args.extra_names, to_train=True) for index, path in enumerate(args.extra)
    ]


def check_seed(seed: int, option: str = "--seed", least: int = 0) -> None:
    """Refuses a seed that no generator takes.

    Raises:
      KwsError: it is below `least` or above `LARGEST_SEED`.
    """
    if not least <= seed <= LARGEST_SEED:
        raise KwsError(f"{option} must be {least} to {LARGEST_SEED}. Received: {seed}.")


def check_count(count: int, option: str, least: int = 1) -> None:
    """Refuses a number of clips, steps, layers, ... that leaves nothing to work on.

    Raises:
      KwsError: it is below `least`.
    """
    if count < least:
        raise KwsError(f"{option} must be at least {least}. Received: {count}.")


def keywords(text: str | None) -> tuple[str, ...]:
    """The words of ``--labels``, in order; none if it was not given.

    Raises:
      KwsError: see `words_of`.
    """
    return () if text is None else words_of(text, "--labels")
