"""``kws-host flash``: build the firmware, put it on a board (emulated ones are started), and see that it runs."""

import argparse
import dataclasses
import os
from pathlib import Path

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import flashing, options, report
from kws_host.flashing import Flashed
from kws_host.screen import Screen

PLATFORMIO, PYOCD = "platformio", "pyocd"


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "flash", help="build and upload the firmware, and see that it runs", description=__doc__
    )
    parser.add_argument("--board", default="mps2_an386", help="environment of platformio.ini (default: %(default)s)")
    parser.add_argument(
        "--bundle", type=Path, help="model to generate and build first (default: $KWS_GENERATED or firmware/generated)"
    )
    parser.add_argument("--tool", choices=(PLATFORMIO, PYOCD), default=PLATFORMIO, help="what uploads")
    parser.add_argument("--upload-port", metavar="PORT", help="where the board is (default: as in platformio.ini)")
    parser.add_argument(
        "--target", metavar="CHIP", help="with --tool pyocd: the chip, as pyOCD calls it (default: of the board)"
    )
    parser.add_argument(
        "--probe", metavar="ID", help="with --tool pyocd: the probe's unique id (default: the only one)"
    )
    group = parser.add_argument_group("after it")
    group.add_argument("--port", help="where to ask what runs (default: of platformio.ini, or the only USB board's)")
    group.add_argument(
        "--baud",
        type=int,
        default=os.environ.get("KWS_BAUD"),
        help="of that port (default: $KWS_BAUD, or the environment's monitor_speed)",
    )
    group.add_argument("--no-verify", action="store_true", help="do not ask")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Flashes. Returns 1 unless the board then runs it, or nobody was to be asked."""
    report.require_writable(args.json)
    target = args.target or (flashing.pyocd_target_of(args.board) if args.tool == PYOCD else "")
    if args.tool == PYOCD and not target:
        raise KwsError("--target is missing: the board's file names no chip for pyOCD. Give one, such as nrf52840")
    if args.tool == PLATFORMIO and (args.target or args.probe):
        raise KwsError("--target and --probe are pyOCD's: give --tool pyocd, or leave them away")
    generated = flashing.generate(args.bundle) if args.bundle else _generated()
    wanted = flashing.digest_of(generated)
    if args.tool == PYOCD:
        flashing.load_by_pyocd(args.board, generated, target, args.probe)
    else:
        flashing.upload(args.board, generated, args.upload_port)
    port = "" if args.no_verify else args.port or args.upload_port or flashing.port_of(args.board)
    flashed = flashing.verify(port, args.baud or flashing.baud_of(args.board), wanted)
    screen = Screen(args.json)
    screen.print(_text(args.board, flashed, args.no_verify))
    if flashed.keeps_settings:
        screen.print("It hears by settings that it has kept; those that were flashed: kws-host tune --forget.")
    if args.json:
        report.write_json(args.json, _json(args.board, flashed))
    return program.OK if flashed.is_verified or args.no_verify else program.CHECK_FAILED


def _generated() -> Path:
    return Path(os.environ.get("KWS_GENERATED", flashing.GENERATED))


def _text(board: str, flashed: Flashed, unasked: bool) -> str:
    answer, wanted = flashed.answer, flashed.wanted_sha256[:12]
    if answer is None:
        done = f"{board} is flashed with model {wanted}"
        return (
            f"{done}." if unasked else f"NOT VERIFIED: {done}, but the port where it answers is not known: give --port."
        )
    if answer.info is None:
        return f"NOT VERIFIED: {flashed.port} is {answer.state}. {answer.detail}".strip()
    info = answer.info
    if flashed.is_verified:
        return (
            f"{info.board} runs {info.model_name} ({wanted}), which was flashed, with firmware {info.firmware_version}."
        )
    return (
        f"WRONG MODEL: {info.board} on {flashed.port} runs {info.model_name} ({info.model_sha256[:12]}), not {wanted}."
    )


def _json(board: str, flashed: Flashed) -> dict:
    answer = flashed.answer
    return {
        "board": board,
        "port": flashed.port or None,
        "model_sha256": flashed.wanted_sha256,
        "verified": flashed.is_verified if answer else None,
        "keeps_settings": flashed.keeps_settings,
        "state": answer.state if answer else None,
        "info": dataclasses.asdict(answer.info) if answer and answer.info else None,
    }
