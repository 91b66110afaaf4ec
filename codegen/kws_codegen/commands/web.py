"""``kws-codegen web``: a page in which a bundle's firmware hears, in WebAssembly."""

import argparse
import subprocess
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("web", help="make a web page that hears with the firmware of some bundles")
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help="model bundle: a folder")
    parser.add_argument("--out", type=Path, default=Path("build/web"), help="folder of the page (default: %(default)s)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Lets the firmware's folder, which knows the sources and is a program of its own, build the page."""
    bundles = [str(bundle) for bundle in args.bundles]
    return subprocess.run([sys.executable, "-m", "kws_firmware.web", "--out", str(args.out), "--", *bundles]).returncode
