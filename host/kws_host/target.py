"""The device that a command talks to: one on a port, or an emulated one that lives as long as the command."""

import contextlib
import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import ANSWER_TIMEOUT_S
from kws_reference.protocol.wire import Message

from kws_host.device import Device
from kws_host.emulator import Emulator, EmulatorConfig
from kws_host.emulator.qemu import reason_in
from kws_host.link import Link, LinkError
from kws_host.port import DEFAULT_BAUD
from kws_host.project import firmware_of

MOST_TIMEOUT_S = 3600


@dataclasses.dataclass(frozen=True)
class Target:
    """Where a device is.

    Attributes:
      port: serial port or URL; None: `$KWS_PORT`.
      emulate: board or environment to emulate in the place of a port; None: none.
      elf: firmware of the emulated board; None: what PlatformIO built.
      baud: bits per second of a hardware port.
      timeout_s: how long one request may stay unanswered before it is repeated, > 0, up to an hour.
      arguments: semihosting command line of the emulated board.
      folder: that the emulated firmware's file names are relative to; None: the current one.
    """

    port: str | None = None
    emulate: str | None = None
    elf: Path | None = None
    baud: int = DEFAULT_BAUD
    timeout_s: float = ANSWER_TIMEOUT_S
    arguments: tuple[str, ...] = ()
    folder: Path | None = None


@contextlib.contextmanager
def open_device(
    target: Target,
    *,
    on_event: Callable[[Message], None] | None = None,
    on_text: Callable[[bytes], None] | None = None,
) -> Iterator[Device]:
    """Opens a device; an emulated one is stopped afterwards.

    Args:
      target: where it is.
      on_event: see `Device`.
      on_text: see `Link`.

    Raises:
      KwsError: no port was given, or two; it cannot be opened, nobody answers, or the emulator ended.
    """
    if not 0 < target.timeout_s <= MOST_TIMEOUT_S:
        raise KwsError(
            f"--timeout must be positive, and at most {MOST_TIMEOUT_S:,} seconds. Received: {target.timeout_s:g}."
        )
    if target.emulate and target.port:
        raise KwsError(f"--emulate {target.emulate} and --port {target.port} name two devices: give one of them.")
    if target.emulate:
        elf = target.elf or firmware_of(target.emulate)
        config = EmulatorConfig(board=target.emulate, elf=elf, port=0, arguments=target.arguments)
        with Emulator(config, cwd=target.folder) as emulator:
            try:
                with Link(emulator.url, timeout_s=target.timeout_s, on_text=on_text) as link:
                    yield Device(link, on_event)
            except LinkError as error:
                _explain_end(emulator, elf, error)
                raise
        return
    port = target.port or os.environ.get("KWS_PORT")
    if not port:
        raise KwsError("no device: give --port (or set KWS_PORT), or --emulate BOARD for an emulated one")
    with Link(port, baud=target.baud, timeout_s=target.timeout_s, on_text=on_text) as link:
        yield Device(link, on_event)


def _explain_end(emulator: Emulator, elf: Path, error: LinkError) -> None:
    """Raises KwsError with the emulator's own reason where the link broke because the emulator ended."""
    try:
        status = emulator.wait(1.0)  # its socket closes a little before it ends
    except subprocess.TimeoutExpired:
        return
    said = reason_in(emulator.log()) or "no reason given"
    raise KwsError(f"the emulator ended with status {status}: {said}. Is {elf} the right firmware?") from error


def require_model(device: Device, bundle: Bundle) -> None:
    """Raises KwsError unless the device runs the bundle's model."""
    if device.info.model_sha256 != bundle.model_sha256:
        raise KwsError(
            f"the device runs model {device.info.model_name} ({device.info.model_sha256[:12]}...), the bundle "
            f"{bundle.path} holds {bundle.name} ({bundle.model_sha256[:12]}...). Generate and flash this bundle, "
            "or give the device's by --bundle."
        )
