"""``kws-host flash``: build the firmware and put it on a board (emulated boards are started)."""

import argparse
import importlib.util
import os
import subprocess
import sys

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import project


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("flash", help="build and upload the firmware", description=__doc__)
    parser.add_argument("--board", default="mps2_an386", help="environment of platformio.ini (default: %(default)s)")
    parser.add_argument("--upload-port", metavar="PORT", help="where the board is (default: as in platformio.ini)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs PlatformIO's upload target; its output passes through."""
    if importlib.util.find_spec("platformio") is None:
        raise KwsError(project.NO_PLATFORMIO)
    if not project.PLATFORMIO_INI.is_file():
        raise KwsError(
            f"no platformio.ini in {project.ROOT}: run from a checkout of the kit, installed with pip install -e"
        )
    command = [sys.executable, "-m", "platformio", "run", "-d", str(project.ROOT), "-e", args.board, "-t", "upload"]
    environment = {"PLATFORMIO_CORE_DIR": str(project.ROOT / ".pio-core"), **os.environ}
    if args.upload_port:
        command += ["--upload-port", args.upload_port]
    if subprocess.run(command, env=environment, check=False).returncode:
        raise KwsError(f"PlatformIO could not build or upload {args.board}; its reason stands above")
    return program.OK
