"""Folders of further training clips."""

import argparse
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.data.clips import FolderSpec


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


def extra_folders(args: argparse.Namespace) -> tuple[FolderSpec, ...]:
    """The folders of ``--extra``.

    Raises:
      KwsError: a list without its folder, or folders that lie in each other: the outer one would hold the inner one's
        recordings.
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
    return tuple(
        FolderSpec(path, None if index else args.extra_names, to_train=True) for index, path in enumerate(args.extra)
    )
