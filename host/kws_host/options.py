"""Options that several subcommands share, and what they open."""

import argparse
import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from kws_host import emulator
from kws_host.device import Device
from kws_host.link import DEFAULT_BAUD, Link, LinkError

DEFAULT_BUNDLE = emulator.ROOT / "training" / "zoo" / "matchbox_kit12"


def firmware_of(board: str) -> Path:
    """Where PlatformIO puts the firmware of an environment; the boards' environments have the boards' names."""
    return Path(os.environ.get("PLATFORMIO_BUILD_DIR", emulator.ROOT / ".pio" / "build")) / board / "firmware.elf"


def add_port(parser: argparse.ArgumentParser) -> None:
    """Adds what `open_device` reads."""
    group = parser.add_argument_group("device")
    group.add_argument(
        "--port",
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
        "--emulate",
        metavar="BOARD",
        help="start this emulated board (or environment of platformio.ini) for the command, in the place of --port",
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
      KwsError: no port was given, or two; it cannot be opened, nobody answers, or the emulator ended.
    """
    if args.timeout <= 0:
        raise KwsError(f"--timeout must be positive. Received: {args.timeout:g}.")
    if args.emulate:
        if args.port:
            raise KwsError(f"--emulate {args.emulate} and --port {args.port} name two devices: give one of them.")
        elf = args.elf or firmware_of(args.emulate)
        with emulator.Emulator(emulator.EmulatorConfig(board=args.emulate, elf=elf, port=0)) as running:
            try:
                with Link(running.url, timeout_s=args.timeout, on_text=on_text) as link:
                    yield Device(link, on_event)
            except LinkError as error:
                _explain_end(running, elf, error)
                raise
        return
    port = args.port or os.environ.get("KWS_PORT")
    if not port:
        raise KwsError("no device: give --port (or set KWS_PORT), or --emulate BOARD for an emulated one")
    with Link(port, baud=args.baud, timeout_s=args.timeout, on_text=on_text) as link:
        yield Device(link, on_event)


def _explain_end(running: emulator.Emulator, elf: Path, error: LinkError) -> None:
    """Raises KwsError with the emulator's own reason where the link broke because the emulator ended."""
    try:
        status = running.wait(1.0)  # its socket closes a little before it ends
    except subprocess.TimeoutExpired:
        return
    said = emulator.first_line(running.log()) or "no reason given"
    raise KwsError(f"the emulator ended with status {status}: {said}. Is {elf} the right firmware?") from error


def require_model(device: Device, bundle: Bundle) -> None:
    """Raises KwsError unless the device runs the bundle's model."""
    if device.info.model_sha256 != bundle.model_sha256:
        raise KwsError(
            f"the device runs model {device.info.model_name} ({device.info.model_sha256[:12]}...), the bundle "
            f"{bundle.path} holds {bundle.name} ({bundle.model_sha256[:12]}...). Generate and flash this bundle, "
            "or give the device's by --bundle."
        )
