"""``kws-host monitor``: what the board hears, live: level, spectrogram, posteriors, detections, losses."""

import argparse
import contextlib
import dataclasses
import logging
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kws_reference.audio.pcm import load_wav, mono_pcm
from kws_reference.audio.wav_file import Wav
from kws_reference.bundle import Bundle
from kws_reference.cli import program
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import Config, DetectionRecord, Fault, Hello, NamesKind, SetSource, StepRecord
from kws_reference.protocol.wire import Message
from kws_reference.system.file_names import shown

from kws_host import detector_settings, microphone, options, report
from kws_host.device import Device
from kws_host.event_log import EventLog
from kws_host.keys import keys
from kws_host.last_detections import LastDetections
from kws_host.link import LinkError
from kws_host.plain_view import Losses, PlainView, readable
from kws_host.port import DEFAULT_BAUD

if TYPE_CHECKING:  # rich is loaded where a terminal is redrawn
    from kws_host.monitor_screen import MonitorScreen

    View = PlainView | MonitorScreen

STATS_S = 1.0
SLOWEST_FOR_AUDIO = 460_800
"""Bits per second below which PCM would leave no room for results."""

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Session:
    """What is watched: a board that was unplugged or restarted goes on from here.

    Attributes:
      recordings: path and content of each file to stream; without any the board listens to its own microphone.
      source: that microphone.
      end_s: by `time.monotonic`.
      bundle: to show posteriors and spectrogram of its model by.
      config: what the board sends beside results.
      view: lines.
      journal: file of events, or None.
      live: whether the terminal is redrawn.
      steps, detections, reconnects: so far; the last counts unplugged and restarted boards.
      done: recordings that were streamed.
      lost: what did not come, of all connections.
    """

    recordings: tuple[tuple[Path, Wav], ...]
    source: SetSource
    end_s: float
    bundle: Bundle
    config: Config
    view: PlainView
    journal: EventLog | None
    live: bool
    steps: int = 0
    detections: LastDetections = dataclasses.field(default_factory=LastDetections)
    reconnects: int = -1
    done: int = 0
    lost: Losses = Losses()

    def note(self, event: str, **fields: object) -> None:
        """Appends a line to the journal, if there is one."""
        if self.journal:
            self.journal.write(event, **fields)

    def on_text(self, data: bytes) -> None:
        """Takes bytes that are no frame."""
        if text := readable(data):
            self.note("text", text=text)
            if not self.live:
                self.view.on_text(text)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("monitor", help="show live what the board hears", description=__doc__)
    options.add_target(parser)
    microphone.add_options(parser)
    options.add_bundle(parser)
    parser.add_argument("--wav", type=Path, nargs="+", help="stream these to the board (default: its own microphone)")
    parser.add_argument("--duration", type=float, metavar="S", help="stop after so many seconds without --wav")
    parser.add_argument(
        "--plain", action="store_true", help="lines only, no redrawing (the default without a terminal)"
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="append events as lines of JSON; turned over at 10 MB, five are kept"
    )
    options.add_json(parser)
    parser.add_argument("--no-audio", action="store_true", help="leave PCM, and the level, away: for slow ports")
    return parser


def run(args: argparse.Namespace) -> int:
    """Shows events until the recordings, the time or the user's patience end."""
    report.require_writable(args.json)
    # Recordings are read before the port is opened: an error must not restart a board.
    recordings = tuple((path, load_wav(path)) for path in args.wav or ())
    if args.duration is not None and not args.duration > 0:
        raise KwsError(f"--duration must be above 0. Received: {args.duration:g}.")
    is_quiet = args.json == "-"
    live = not args.plain and not is_quiet and sys.stdout.isatty()
    is_slow = args.no_audio or int(args.baud or DEFAULT_BAUD) < SLOWEST_FOR_AUDIO
    config = (Config.FEATURES | (Config.NONE if is_slow else Config.AUDIO)) if live else Config.NONE
    source, bundle = microphone.source_of(args), Bundle.load(args.bundle)
    end_s = math.inf if args.duration is None else time.monotonic() + args.duration
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(contextlib.closing(EventLog(args.log))) if args.log else None
        session = Session(recordings, source, end_s, bundle, config, PlainView(is_quiet), journal, live)
        target = stack.enter_context(microphone.emulating(options.target_of(args), args.heard))
        with contextlib.suppress(KeyboardInterrupt):
            microphone.with_reconnects(
                target, args.wait, lambda device: _watch(device, session), session.on_text, session.end_s
            )
    log.info(f"{session.steps} steps, {session.detections.total} detections")
    if args.json:
        counts = {
            "steps": session.steps,
            **session.detections.json(),
            "reconnects": max(session.reconnects, 0),
        }
        report.write_json(args.json, counts | {"lost": dataclasses.asdict(session.lost)})
    return program.OK


def _watch(device: Device, session: Session) -> None:
    labels = device.names(NamesKind.LABELS)
    held = detector_settings.held_by(device)
    session.reconnects += 1
    session.lost = dataclasses.replace(session.lost, reconnects=session.reconnects)
    session.view.show(labels, device.clock)
    session.note("connected", board=device.info.board, model=device.info.model_name, port=device.link.port)
    log.info(f"{device.info.board}, model {device.info.model_name}; Ctrl-C ends")
    is_known = device.info.model_sha256 == session.bundle.model_sha256
    bundle = session.bundle if is_known else None
    if bundle and held:
        bundle = dataclasses.replace(bundle, detector=held.config)
    with _view(device, session, labels, bundle) as view:

        def on_event(event: Message) -> None:
            _count(session, labels, device, event)
            view.on_event(event)

        device.on_event = on_event
        if session.recordings:
            device.configure(session.config & ~Config.AUDIO)
            _stream(device, session)
        else:
            _listen(device, session, view)


@contextlib.contextmanager
def _view(device: Device, session: Session, labels: list[str], bundle: Bundle | None) -> Iterator["View"]:
    """What takes events: lines, or the terminal as a whole."""
    if not session.live:
        yield session.view
        return
    from rich.console import Console
    from rich.live import Live

    from kws_host.monitor_screen import MonitorScreen

    tuned = bundle is not None and not detector_settings.are_equal(bundle.detector, session.bundle.detector)
    console = Console()
    screen = MonitorScreen(device.info, labels, bundle, device.link.port, "tuned" if tuned else "", console.height)
    # Refreshed by what takes events: a thread of its own would draw what is just being changed.
    with Live(screen, console=console, auto_refresh=False, screen=True) as live:
        screen.refresh = live.refresh
        yield screen


def _count(session: Session, labels: list[str], device: Device, event: Message) -> None:
    match event:
        case StepRecord():
            session.steps += 1
        case DetectionRecord():
            session.note("detection", **session.detections.add(event, labels, device.clock))
        case Hello():
            session.note("start", starts=event.starts, faults=event.faults)
        case Fault():
            session.note("fault", text=str(event))


def _stream(device: Device, session: Session) -> None:
    rate_hz = device.info.sample_rate_hz
    for path, wav in session.recordings[session.done :]:
        pcm = mono_pcm(wav, rate_hz)
        if not session.live:
            log.info(f"{shown(str(path))}: {len(pcm) / rate_hz:.2f} s")
        session.note("recording", file=str(path))
        device.run(pcm)
        session.done += 1


def _listen(device: Device, session: Session, view: "View") -> None:
    """Follows the microphone until the time is over, q is pressed, or it brings no more."""
    look_s = time.monotonic() + STATS_S
    if session.live:
        view.on_losses(session.lost)
    with microphone.started(device, session.source, session.config), keys() as keyboard:
        heard = microphone.events(device)  # before the device is asked: a restart meanwhile is an event, too
        look = _Look(device, session, view)
        try:
            for _ in heard:
                now_s = time.monotonic()
                if keyboard.pressed() == "q" or now_s > session.end_s:
                    return
                if now_s < look_s:
                    continue
                look_s = now_s + STATS_S
                look.take()
        except microphone.MicrophoneEnded as error:
            if not session.steps:
                raise
            log.info(str(error))
        finally:
            with contextlib.suppress(LinkError):  # it may be gone; what ended the block is told
                look.take()


class _Look:
    """Looks at what did not come, and tells it when there is more of it."""

    def __init__(self, device: Device, session: Session, view: "View"):
        """Args: device: whose microphone was started just now."""
        self._device, self._session, self._view = device, session, view
        self._before = session.lost  # of connections before this one
        self._overruns = device.stats().serial_overruns  # counted since power-on

    def take(self) -> None:
        """Asks the device. Raises: LinkError: it is gone."""
        device, before = self._device, self._before
        try:
            stats = device.stats()
        except LinkError:
            self._session.lost = dataclasses.replace(self._session.lost, events=before.events + device.lost_events)
            raise
        lost = Losses(
            before.events + device.lost_events,
            before.microphone_samples + stats.microphone_lost_samples,
            before.port_bytes + (stats.serial_overruns - self._overruns) % (1 << 32),
            before.reconnects,
        )
        if lost != self._session.lost:
            self._session.lost = lost
            self._view.on_losses(lost)
            self._session.note("losses", **dataclasses.asdict(lost))
