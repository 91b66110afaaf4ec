"""``kws-train fetch``: download and verify the official Speech Commands archives."""

import argparse
import dataclasses
from pathlib import Path

from kws_training.data import archives
from kws_training.data.fetch import fetch


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("fetch", help="download and verify the official Speech Commands archives (2.5 GB)")
    parser.add_argument("--out", type=Path, default=Path("data"), help="where to unpack (default: data)")
    parser.add_argument("--only", choices=sorted(archives.ARCHIVES), help="one of the two archives (test: 113 MB)")
    parser.add_argument(
        "--mirror", metavar="URL", help="folder that holds the same archives, instead of the official one"
    )
    parser.add_argument("--keep-archives", action="store_true", help="do not delete the archives after unpacking")
    return parser


def run(args: argparse.Namespace) -> int:
    """Fetches; prints one line for each folder."""
    for name, archive in archives.ARCHIVES.items():
        if args.only and name != args.only:
            continue
        if args.mirror:
            archive = dataclasses.replace(archive, url=f"{args.mirror.rstrip('/')}/{archive.file}")
        folder, made = fetch(archive, args.out, keep_archive=args.keep_archives)
        print(f"{folder}: {'downloaded, SHA-256 correct' if made else 'already there'}")
    return 0
