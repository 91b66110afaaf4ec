"""Options that several subcommands share, and what they open."""

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from kws_host import emulator
from kws_host.device import Device
from kws_host.link import DEFAULT_BAUD, Link

DEFAULT_BUNDLE = emulator.ROOT / "training" / "zoo" / "matchbox_kit12"


def firmware_of(board: str) -> Path:
    """Where PlatformIO puts the firmware of a board's environment."""
    return Path(os.environ.get("PLATFORMIO_BUILD_DIR", emulator.ROOT / ".pio" / "build")) / board / "firmware.elf"


def add_port(parser: argparse.ArgumentParser) -> None:
    """Adds what `open_device` reads."""
    group = parser.add_argument_group("device")
    group.add_argument(
        "--port",
        default=os.environ.get("KWS_PORT"),
        help="serial port (/dev/ttyACM0, COM3) or socket://host:port (default: $KWS_PORT)",
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
        default=2.0,
        metavar="S",
        help="seconds without an answer before asking again (default: 2)",
    )
    group.add_argument(
        "--emulate", metavar="BOARD", help="start this emulated board for the command, in the place of --port"
    )
    group.add_argument("--elf", type=Path, help="firmware for --emulate (default: .pio/build/BOARD/firmware.elf)")


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Adds ``--bundle``."""
    parser.add_argument(
        "--bundle",
        type=Path,
        default=os.environ.get("KWS_BUNDLE", DEFAULT_BUNDLE),
        help="model bundle (default: $KWS_BUNDLE or the kit's released model)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``."""
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - prints it in the place of the text")


@contextlib.contextmanager
def open_device(
    args: argparse.Namespace,
    *,
    on_event: Callable[[object], None] | None = None,
    on_text: Callable[[bytes], None] | None = None,
) -> Iterator[Device]:
    """Opens the device that the options name; an emulated one is stopped afterwards.

    Raises:
      KwsError: no port was given, it cannot be opened, or nobody answers.
    """
    if args.timeout <= 0:
        raise KwsError(f"--timeout must be positive. Received: {args.timeout:g}.")
    if args.emulate:
        elf = args.elf or firmware_of(args.emulate)
        with emulator.Emulator(emulator.EmulatorConfig(board=args.emulate, elf=elf, port=0)) as running:
            with Link(running.url, timeout_s=args.timeout, on_text=on_text) as link:
                yield Device(link, on_event)
        return
    if not args.port:
        raise KwsError("no device: give --port (or set KWS_PORT), or --emulate BOARD for an emulated one")
    with Link(args.port, baud=args.baud, timeout_s=args.timeout, on_text=on_text) as link:
        yield Device(link, on_event)


def require_model(device: Device, bundle: Bundle) -> None:
    """Raises KwsError unless the device runs the bundle's model."""
    if device.info.model_sha256 != bundle.model_sha256:
        raise KwsError(
            f"the device runs model {device.info.model_name} ({device.info.model_sha256[:12]}...), the bundle "
            f"{bundle.path} holds {bundle.name} ({bundle.model_sha256[:12]}...). Generate and flash this bundle, "
            "or give the device's by --bundle."
        )
