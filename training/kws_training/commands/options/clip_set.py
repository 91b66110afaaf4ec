"""What the evaluating subcommands share: the set of clips, its name, and where results go."""

import argparse
import re
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.evaluate.clip_sets import SetSource


def add_clip_set(parser: argparse.ArgumentParser) -> None:
    """Adds ``--test``, ``--validation``, ``--names``, ``--set-name`` and ``--out``."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--test", type=Path, help="folder with one subfolder for each label")
    source.add_argument("--validation", type=Path, help="validation split of a folder in the official layout")
    parser.add_argument("--names", type=Path, help="take only the clips that this file lists, of --test")
    parser.add_argument("--set-name", help="name of the set for titles and files: canonical-12, canonical-8, ...")
    parser.add_argument("--out", type=Path, help="folder for the results (default: the bundle's, or the run's)")


def clip_set(args: argparse.Namespace) -> SetSource:
    """The set that the options name.

    Raises:
      KwsError: a combination means nothing, something is missing, or ``--set-name`` cannot name files.
    """
    if not args.test and not args.validation:
        raise KwsError("no clips are named. Give --test, or --validation.")
    check_set_name(args)
    if not args.test and args.names:
        raise KwsError("--names chooses clips of --test. Give --test too.")
    return SetSource(args.set_name, args.test, args.names, args.validation)


def check_set_name(args: argparse.Namespace) -> None:
    """Refuses a ``--set-name`` that is missing or cannot name files, and an ``--out`` that is no folder.

    Raises:
      KwsError: it is so.
    """
    if args.set_name is None:
        raise KwsError("the set has no name, which titles and files need. Give --set-name.")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", args.set_name):
        raise KwsError(f"--set-name names files: use letters, digits, -, _ and . in it. Received: {args.set_name!r}.")
    if args.out and args.out.exists() and not args.out.is_dir():
        raise KwsError(f"--out must be a folder. Received: {args.out}, which is a file.")
