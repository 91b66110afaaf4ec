"""A device's microphone as commands for every day use it: options, what an emulated one hears, unplugging and all."""

import argparse
import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from kws_reference.audio.conditioning import MAX_GAIN_Q8, UNITY_GAIN_Q8
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, SourceKind
from kws_reference.protocol.wire import Message

from kws_host.device import Device, DeviceRestarted
from kws_host.emulated_microphone import Pace, hearing
from kws_host.link import LinkBroken, LinkError
from kws_host.target import Target, open_device

SILENCE_S = 5.0
"""A microphone that brings nothing for so long has ended."""
WAIT_S = 60.0
"""How long a device that was unplugged is waited for."""
MOST_RESTARTS = 5
"""That a device may make in such a time."""
_LOOK_S = 0.25
EMULATED_RATE_HZ = 16000

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class MicrophoneEnded(KwsError):
    """The microphone brings no more: of an emulated board, its recording has ended."""


def add_options(parser: argparse.ArgumentParser, *, waits: bool = True) -> None:
    """Adds what `source_of` and `emulating` read, and `with_reconnects` where the command ``waits`` for the board."""
    group = parser.add_argument_group("microphone")
    group.add_argument("--gain", type=float, default=0.0, metavar="DB", help="of its samples (default: 0)")
    group.add_argument("--keep-dc", action="store_true", help="do not remove their constant part")
    group.add_argument(
        "--heard", type=Path, nargs="+", metavar="WAV", help="with --emulate: what the board's microphone hears"
    )
    if not waits:
        parser.set_defaults(wait=0.0)
        return
    group.add_argument(
        "--wait",
        type=float,
        default=WAIT_S,
        metavar="S",
        help="seconds to wait for a board that was unplugged or restarted (default: %(default)g; 0: end at once)",
    )


def source_of(args: argparse.Namespace) -> messages.SetSource:
    """The microphone, with what its samples go through. Raises: KwsError: an option is out of its range."""
    gain_q8 = gain_q8_of(args.gain)
    if not args.wait >= 0:
        raise KwsError(f"--wait must be 0 seconds or more. Received: {args.wait:g}.")
    if args.heard and not args.emulate:
        raise KwsError("--heard is for emulated boards: give --emulate BOARD too, or leave it away")
    return messages.SetSource(SourceKind.MICROPHONE, gain_q8, int(not args.keep_dc))


def gain_q8_of(gain_db: float) -> int:
    """``--gain`` as devices take it. Raises: KwsError: it is out of range."""
    gain_q8 = round(UNITY_GAIN_Q8 * 10 ** (gain_db / 20)) if math.isfinite(gain_db) and gain_db < 100 else 0
    if not 1 <= gain_q8 <= MAX_GAIN_Q8:
        low, high = (20 * math.log10(gain / UNITY_GAIN_Q8) for gain in (1, MAX_GAIN_Q8))
        raise KwsError(f"--gain must be {low:.0f} to {high:.0f} dB. Received: {gain_db:g}.")
    return gain_q8


@contextlib.contextmanager
def emulating(target: Target, heard: list[Path] | None) -> Iterator[Target]:
    """The target; of an emulated one, with a microphone that hears recordings, one after the other.

    Raises:
      KwsError: a recording cannot be read, or the board cannot be emulated.
    """
    if not heard:
        yield target
        return
    pcm = np.concatenate([read_wav(path, EMULATED_RATE_HZ) for path in heard])
    with hearing(target, pcm, EMULATED_RATE_HZ, Pace()) as (hears, _):
        yield hears


def require_rate(target: Target, device: Device) -> None:
    """Raises KwsError where a target of `emulating` would play its recordings too slowly or too fast."""
    if target.arguments and device.info.sample_rate_hz != EMULATED_RATE_HZ:
        raise KwsError(
            f"--heard is played at {EMULATED_RATE_HZ:,} Hz, and the model hears {device.info.sample_rate_hz:,} Hz: "
            "give an emulated board a model of that rate, or stream recordings to it (kws-host check)."
        )


@contextlib.contextmanager
def started(device: Device, source: messages.SetSource, config: Config) -> Iterator[None]:
    """Lets a device hear by its microphone, anew, until the block ends."""
    device.configure(config)
    try:
        device.set_source(source)
        yield
    finally:
        with contextlib.suppress(KwsError):  # it may be gone, or refuse; what ended the block is told
            device.configure(Config.NONE)
            device.set_source(messages.SetSource(SourceKind.HOST))


def events(device: Device) -> Iterator[Message]:
    """Events of a device that hears. Raises: MicrophoneEnded: it fell silent; and see `Device.events`."""
    return _until_silence(device, device.events(SILENCE_S))


def _until_silence(device: Device, heard: Iterator[Message]) -> Iterator[Message]:
    yield from heard
    raise MicrophoneEnded(
        f"the microphone of {device.info.board} has brought nothing for {SILENCE_S:g} s: an emulated one's recording "
        "has ended, of a real one look at its wiring and driver."
    )


def with_reconnects(
    target: Target,
    wait_s: float,
    work: Callable[[Device], Result],
    on_text: Callable[[bytes], None] | None = None,
    end_s: float = math.inf,
) -> Result | None:
    """Does work on a device. When it is unplugged or restarts on the way, waits for it and begins the work again.

    Args:
      target: where it is; an emulated one that ended does not come back.
      wait_s: how long an unplugged one is waited for; 0: neither is borne.
      work: what to do; it knows what is done already.
      on_text: see `Link`.
      end_s: by `time.monotonic`; then an unplugged one is not waited for any longer.

    Returns:
      What the work returns; None: it was the end, and the device was away.

    Raises:
      KwsError: see `open_device`; the first time at once, after an unplug when the wait is over. DeviceRestarted: again
        and again, or once where it is not borne.
    """
    deadline, restarts = None, Restarts(wait_s)
    while True:
        try:
            with open_device(target, on_text=on_text) as device:
                require_rate(target, device)
                if deadline is not None:
                    log.info(f"{device.link.port}: {device.info.board} is back")
                    deadline = None
                return _through_restarts(device, work, restarts)
        except LinkError as error:
            broke = isinstance(error, LinkBroken) and deadline is None
            if target.emulate or not wait_s or not (broke or deadline is not None and time.monotonic() < deadline):
                raise
            if broke:
                deadline = time.monotonic() + wait_s
                log.warning(f"{error} Waiting {wait_s:g} s for it; Ctrl-C ends.")
            if time.monotonic() > end_s:
                log.warning("The time is over, and the board is not back.")
                return None
            time.sleep(_LOOK_S)


class Restarts:
    """Restarts of a device that are borne: not so many that it does nothing else."""

    def __init__(self, within_s: float):
        """Args: within_s: in which `MOST_RESTARTS` are too many; 0: the first one is."""
        self._within_s = within_s
        self._times: list[float] = []

    def add(self, error: DeviceRestarted) -> None:
        """Takes one. Raises: DeviceRestarted: it is one too many."""
        now_s = time.monotonic()
        self._times = [before for before in self._times if now_s - before < self._within_s] + [now_s]
        if not self._within_s:
            raise error
        if len(self._times) >= MOST_RESTARTS:
            raise DeviceRestarted(
                f"{error} That was the restart number {MOST_RESTARTS} in {self._within_s:g} s."
            ) from error
        log.warning(f"{error} It begins anew.")


def _through_restarts(device: Device, work: Callable[[Device], Result], restarts: Restarts) -> Result:
    while True:
        try:
            return work(device)
        except DeviceRestarted as error:
            restarts.add(error)
            device = Device(device.link)
