"""``kws-host monitor``: live scores and detections in the terminal."""

import argparse
import dataclasses
import logging
import time
from pathlib import Path

from kws_reference.audio.pcm import load_wav, mono_pcm
from kws_reference.audio.wav_file import Wav
from kws_reference.cli import program
from kws_reference.protocol import messages
from kws_reference.protocol.messages import SourceKind
from kws_reference.system.file_names import shown

from kws_host import options
from kws_host.device import Device
from kws_host.live_view import LiveView
from kws_host.target import open_device

LISTEN_S = 1.0

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class MonitorJob:
    """What the device hears.

    Attributes:
      recordings: path and content of each file to stream; without any it listens to its own microphone.
      duration_s: how long it listens to that; None: until the user ends it.
    """

    recordings: tuple[tuple[Path, Wav], ...]
    duration_s: float | None


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("monitor", help="show live scores and detections", description=__doc__)
    options.add_target(parser)
    parser.add_argument("--wav", type=Path, nargs="+", help="stream these to the device (default: its own microphone)")
    parser.add_argument("--duration", type=float, metavar="S", help="stop after so many seconds without --wav")
    parser.add_argument("--plain", action="store_true", help="lines only, no redrawing")
    return parser


def run(args: argparse.Namespace) -> int:
    """Shows events until the recordings, the time or the user's patience end."""
    # Recordings are read before the port is opened: an error must not restart a board.
    job = MonitorJob(tuple((path, load_wav(path)) for path in args.wav or ()), args.duration)
    view = LiveView(args.plain)
    with open_device(options.target_of(args), on_event=view.on_event, on_text=view.on_text) as device:
        view.show(device)
        log.info(f"{device.info.board}, model {device.info.model_name}; Ctrl-C ends")
        try:
            _stream(device, job, view)
            if not job.recordings:
                _listen(device, job.duration_s)
        except KeyboardInterrupt:
            pass
        finally:
            view.clear()
    log.info(f"{view.steps} steps, {view.detections} detections")
    return program.OK


def _stream(device: Device, job: MonitorJob, view: LiveView) -> None:
    rate_hz = device.info.sample_rate_hz
    for path, wav in job.recordings:
        pcm = mono_pcm(wav, rate_hz)
        view.clear()  # a line on stderr moves the cursor, too
        log.info(f"{shown(str(path))}: {len(pcm) / rate_hz:.2f} s")
        device.run(pcm)


def _listen(device: Device, duration_s: float | None) -> None:
    """Receives events of the device's microphone for a while, or for ever."""
    device.set_source(messages.SetSource(SourceKind.MICROPHONE))
    start_s = time.monotonic()
    try:
        while (left_s := LISTEN_S if duration_s is None else start_s + duration_s - time.monotonic()) > 0:
            device.listen(min(LISTEN_S, left_s))
    finally:
        device.set_source(messages.SetSource(SourceKind.HOST))
