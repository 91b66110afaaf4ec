"""Options that several subcommands share."""

import argparse
import os
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.protocol.messages import ANSWER_TIMEOUT_S

from kws_host.port import DEFAULT_BAUD
from kws_host.project import RELEASED_BUNDLE
from kws_host.target import Target


def add_target(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Adds what `target_of` reads, or `targets_of` of ``several`` devices."""
    group = parser.add_argument_group("device")
    group.add_argument(
        "--port",
        action="append" if several else "store",
        help="serial port (/dev/ttyACM0, COM3) or socket://host:port (default: $KWS_PORT)"
        + "; may be repeated" * several,
    )
    group.add_argument(
        "--baud",
        type=int,
        default=os.environ.get("KWS_BAUD", DEFAULT_BAUD),
        help=f"bits per second of a hardware port (default: $KWS_BAUD or {DEFAULT_BAUD})",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=ANSWER_TIMEOUT_S,
        metavar="S",
        help=f"seconds without an answer before asking again (default: {ANSWER_TIMEOUT_S:g})",
    )
    group.add_argument(
        "--emulate",
        metavar="BOARD[,BOARD...]" if several else "BOARD",
        help=f"start {'these emulated boards' if several else 'this emulated board'} (or environment of "
        "platformio.ini) for the command, in the place of --port",
    )
    group.add_argument("--elf", type=Path, help="firmware for --emulate (default: .pio/build/BOARD/firmware.elf)")


def target_of(args: argparse.Namespace) -> Target:
    """The device that the options of `add_target` name."""
    return Target(port=args.port, emulate=args.emulate, elf=args.elf, baud=args.baud, timeout_s=args.timeout)


def targets_of(args: argparse.Namespace) -> list[Target]:
    """The devices that the options of `add_target` for several name, at least one.

    Raises:
      KwsError: a device is named twice, or one firmware for several boards.
    """
    ports, boards = args.port or [], [name for name in (args.emulate or "").split(",") if name]
    twice = {name for name in ports + boards if (ports + boards).count(name) > 1}
    if twice:
        raise KwsError(f"{min(twice)} is named twice. Name each device once.")
    if args.elf and len(boards) > 1:
        raise KwsError(f"--elf {args.elf} is the firmware of one board. Received: --emulate {args.emulate}.")
    targets = [Target(port=port, baud=args.baud, timeout_s=args.timeout) for port in ports]
    targets += [Target(emulate=name, elf=args.elf, timeout_s=args.timeout) for name in boards]
    return targets or [Target(baud=args.baud, timeout_s=args.timeout)]


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Adds ``--bundle``."""
    parser.add_argument(
        "--bundle",
        type=Path,
        default=default_bundle(),
        help="model bundle (default: $KWS_BUNDLE or the kit's released model)",
    )


def default_bundle() -> str | Path:
    """Where ``--bundle`` is not given."""
    return os.environ.get("KWS_BUNDLE", RELEASED_BUNDLE)


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds ``--limit`` and the seed of its draw."""
    parser.add_argument("--limit", type=int, metavar="N", help="only N recordings, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, help="of --limit's draw (default: 0)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``."""
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - prints it in the place of the text")
