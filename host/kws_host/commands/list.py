"""``kws-host list``: serial ports, the boards behind them by their USB ids, and what runs on them."""

import argparse
import dataclasses
import os

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import asking, options, report
from kws_host.port import DEFAULT_BAUD
from kws_host.screen import Screen, table
from kws_host.usb_boards import SerialPort, serial_ports

TIMEOUT_S = 0.3
MOST_TIMEOUT_S = 60


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("list", help="list ports, boards, and what runs on them", description=__doc__)
    parser.add_argument(
        "--port", action="append", default=[], help="ask this one, too: an emulator's socket, an unknown device"
    )
    parser.add_argument("--baud", type=int, default=os.environ.get("KWS_BAUD", DEFAULT_BAUD), help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help="also ports that are no USB device")
    parser.add_argument("--no-ask", action="store_true", help="open no port: opening one resets some boards")
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help="for an answer, three times (default: %(default)g)",
    )
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Lists. Returns 0, also where nothing is plugged in."""
    report.require_writable(args.json)
    if not 0 < args.timeout <= MOST_TIMEOUT_S:
        raise KwsError(f"--timeout must be above 0 and at most {MOST_TIMEOUT_S} seconds. Received: {args.timeout:g}.")
    ports = [port for port in serial_ports() if args.all or port.usb is not None]
    ports += [SerialPort(name, None, "", "", None) for name in args.port if name not in {p.device for p in ports}]
    answers = [asking.ask(port.device, args.baud, args.timeout) if _is_asked(port, args) else None for port in ports]
    screen = Screen(args.json)
    if ports:
        rows = [_cells(port, answer) for port, answer in zip(ports, answers, strict=True)]
        screen.print(table(("port", "USB", "board or probe", "what is there"), rows))
    else:
        screen.print("No board is plugged in by USB; --all lists other ports, --port asks one by name or URL.")
    if args.json:
        found = [_json(port, answer) for port, answer in zip(ports, answers, strict=True)]
        report.write_json(args.json, {"ports": found})
    return program.OK


def _is_asked(port: SerialPort, args: argparse.Namespace) -> bool:
    """Whether a port is opened: an unknown device may be anybody's, whom that would reset or disturb."""
    return not args.no_ask and (port.board is not None or port.device in args.port)


def _cells(port: SerialPort, answer: asking.Answer | None) -> tuple[str, str, str, str]:
    usb = "{:04x}:{:04x}".format(*port.usb) if port.usb else "-"
    return port.device, usb, port.board.name if port.board else port.description or "-", _what(answer)


def _what(answer: asking.Answer | None) -> str:
    if answer is None:
        return "not asked (--port asks)"
    if answer.info is not None:
        info = answer.info
        return f"{info.board}, model {info.model_name} ({info.model_sha256[:12]}), firmware {info.firmware_version}"
    return f"{answer.state}: {answer.detail}" if answer.state == asking.OTHER else answer.state


def _json(port: SerialPort, answer: asking.Answer | None) -> dict:
    return {
        "port": port.device,
        "usb": "{:04x}:{:04x}".format(*port.usb) if port.usb else None,
        "serial_number": port.serial_number or None,
        "board": port.board.name if port.board else None,
        "flashed_by": port.board.probe.split(", ") if port.board and port.board.probe else [],
        "state": answer.state if answer else None,
        "detail": answer.detail if answer else None,
        "info": dataclasses.asdict(answer.info) if answer and answer.info else None,
    }
