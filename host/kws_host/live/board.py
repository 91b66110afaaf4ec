"""A board that hears audio as it comes, in a thread of its own, and comes back after it was gone."""

import dataclasses
import enum
import logging
import threading
from typing import Any, Protocol

from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, MessageType, NamesKind, SourceKind
from kws_reference.protocol.wire import Message

from kws_host import detector_settings
from kws_host.audio_stream import AudioStream
from kws_host.device import Device
from kws_host.frame import Frame
from kws_host.link import RequestRefused
from kws_host.live import wire
from kws_host.live.counts import LiveCounts
from kws_host.target import Target, open_device

POLL_S = 0.005
"""How long audio or a request may lie before the thread, which waits for the board, looks at it."""
IDLE_POLL_S = 0.05
"""The same while no page is there."""
RETRY_S = 1.0
"""Between two attempts to reach a board that is gone."""
LONGEST_STREAM_BYTES = 1 << 31
"""Of one RESET, 18 hours at 16 kHz: offsets have 32 bits."""

log = logging.getLogger(__name__)


class Source(enum.StrEnum):
    """Who hears."""

    PAGE = "page"
    BOARD = "board"


class Listener(Protocol):
    """Who is told of the board. All calls come from the board's thread and must not wait."""

    def on_message(self, message: wire.Outgoing) -> None:
        """Takes what the board says."""

    def on_text(self, text: str) -> None:
        """Takes a text message (`wire`)."""


@dataclasses.dataclass(frozen=True)
class _Inbox:
    """What a page wants of the board since the thread looked last.

    Attributes:
      reset: turn of its RESET, if there is one.
      pcm: after it.
    """

    reset: int | None = None
    pcm: bytes = b""


class _BeginAgain(Exception):
    """The board forgot everything, or must; the text says why."""


class LiveBoard:
    """One board for one listener at a time. Use as a context manager: entering waits until the board answers.

    Attributes:
      target: where it is.
      source: who hears.
      counts: of what it heard and said so far.
    """

    def __init__(self, target: Target, source: Source = Source.PAGE):
        """Args: target, source: see the attributes."""
        self.target = target
        self.source = source
        self.counts = LiveCounts()
        self._lock = threading.Lock()  # of the four below
        self._listener: Listener | None = None
        self._inbox = _Inbox()
        self._info: messages.Info | None = None  # of a board that is ready
        self._state = ""  # the text message about the board
        self._answered = threading.Event()  # ready, or failed for the first time
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._stream: AudioStream | None = None  # of the page's audio; None: before RESET, or the board hears itself
        self._turn = 0
        self._heard_by: Listener | None = None  # whose RESET the board has done: its steps are nobody else's
        self._is_configured = False  # a HELLO means that it was restarted
        self._thread = threading.Thread(target=self._run, name="board", daemon=True)

    def __enter__(self) -> "LiveBoard":
        """Raises: KwsError: the board cannot be opened, or nobody answers."""
        self._thread.start()
        try:
            while not self._answered.wait(0.2):  # not for ever, so that signals are handled
                pass
            if self._error is not None:
                raise self._error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    # Called from any thread.

    def attach(self, listener: Listener) -> bool:
        """Makes somebody the listener, who is told at once how things are. Returns False where there is one."""
        with self._lock:
            if self._listener is not None:
                return False
            self._listener = listener
            self._inbox = _Inbox()
            self._greet(listener)
            return True

    def detach(self) -> None:
        """Ends the listener's turn; the board forgets its audio."""
        with self._lock:
            self._listener = None
            self._inbox = _Inbox()

    def reset(self, turn: int) -> None:
        """Forgets all audio, also what was pushed and has not reached the board. RESET_DONE follows.

        Args:
          turn: that everything will bear that comes of it.
        """
        with self._lock:
            self._inbox = _Inbox(reset=turn)

    def push(self, pcm: bytes) -> None:
        """Takes audio for the board. Args: pcm: int16, little-endian; the caller keeps within the credit."""
        with self._lock:
            self._inbox = dataclasses.replace(self._inbox, pcm=self._inbox.pcm + pcm)

    # The thread.

    def _run(self) -> None:
        while not self._stop.is_set():
            reason = ""
            self._is_configured = False
            try:
                with open_device(self.target, on_event=self._on_event) as device:
                    while not self._stop.is_set():
                        try:
                            self._serve(device)
                        except _BeginAgain as error:
                            self._away(str(error))
                            device = Device(device.link, self._on_event)
            except KwsError as error:
                reason = " ".join(str(error).split())
            except BaseException as error:  # a fault of ours: it must not end in silence
                self._error = error
                self._away("The server failed: look at its terminal, and start it again.")
                self._answered.set()
                raise
            if self._stop.is_set():
                break
            if not self._answered.is_set():
                self._error = KwsError(reason)
                self._answered.set()
                return
            self._away(f"The board is gone: {reason}")
            self._stop.wait(RETRY_S)

    def _serve(self, device: Device) -> None:
        """Answers listeners for as long as the board lives.

        Raises:
          _BeginAgain: the board restarted. KwsError: it is gone, or shall hear by a microphone that it lacks.
        """
        self._heard_by, self._stream, self._is_configured = None, None, False
        self._configure(device)
        if self.source is Source.BOARD:  # now, not when a page is there, which would be told that all is well
            device.set_source(messages.SetSource(SourceKind.MICROPHONE))
            device.set_source(messages.SetSource(SourceKind.HOST))
        self._is_configured = True
        self._ready(device)
        lost = device.lost_events
        while not self._stop.is_set():
            wait_s = self._do_what_is_wanted(device)
            if self._stream is not None:
                before = self._stream.consumed_bytes
                while self._stream.advance(wait_s, device.take):
                    wait_s = 0.0
                self._grant(self._stream, before)
            else:
                while (frame := device.link.receive(wait_s)) is not None:
                    self._take(device, frame)
                    wait_s = 0.0
            if device.lost_events != lost:
                self.counts.lost_results += device.lost_events - lost
                self._note(_lost(device.lost_events - lost))
                lost = device.lost_events

    def _configure(self, device: Device) -> None:
        """Asks for features, and for what a microphone of the board hears, which older firmware does not tell."""
        if self.source is Source.BOARD:
            try:
                device.configure(Config.FEATURES | Config.AUDIO)
                return
            except RequestRefused:
                pass
        device.configure(Config.FEATURES)

    def _do_what_is_wanted(self, device: Device) -> float:
        """Hands the inbox on to the board. Returns how long to wait for it."""
        with self._lock:
            inbox, self._inbox = self._inbox, _Inbox()
            listener = self._listener
        if self._heard_by is not None and self._heard_by is not listener:
            self._heard_by, self._stream = None, None
            if self.source is Source.BOARD:
                device.set_source(messages.SetSource(SourceKind.HOST))
        if inbox.reset is not None:
            self._reset(device, inbox.reset, listener)
        if inbox.pcm and self._stream is not None:
            self._stream.push(inbox.pcm)
        return POLL_S if listener is not None else IDLE_POLL_S

    def _reset(self, device: Device, turn: int, listener: Listener | None) -> None:
        self._heard_by, self._stream = None, None  # events of before are nobody's
        if self.source is Source.BOARD:
            device.set_source(messages.SetSource(SourceKind.MICROPHONE))
        else:
            self._stream = device.stream()
        self._heard_by, self._turn = listener, turn
        self._tell(messages.ResetDone(0, 0 if self._stream is None else wire.WINDOW_BYTES))

    def _grant(self, stream: AudioStream, before: int) -> None:
        """Tells the page what the board has consumed, which lets it send as much again."""
        consumed = stream.consumed_bytes
        self.counts.heard_bytes += consumed - before
        if consumed != before:
            self._tell(messages.Credit(consumed, consumed + wire.WINDOW_BYTES))
        if stream.end_bytes >= LONGEST_STREAM_BYTES:
            raise _BeginAgain("Hours of audio were heard without a break: the count begins anew.")

    def _take(self, device: Device, frame: Frame) -> None:
        if frame.type == MessageType.ERROR and self._heard_by is not None:
            raise RequestRefused(device.link.port, device.link.decode(messages.Error, frame.payload))
        device.take(frame)

    def _on_event(self, event: object) -> None:
        if isinstance(event, messages.Fault):
            log.warning(f"the board faulted: {event}")
        elif isinstance(event, messages.Hello):
            if self._is_configured:
                raise _BeginAgain("The board restarted.")
        elif isinstance(event, messages.StepRecord | messages.DetectionRecord | messages.AudioHeard):
            self._count(event)
            self._tell(event)

    def _count(self, event: messages.StepRecord | messages.DetectionRecord | messages.AudioHeard) -> None:
        if self._heard_by is None:
            return  # of before a RESET
        if isinstance(event, messages.DetectionRecord):
            self.counts.add_detection(event)
        elif isinstance(event, messages.StepRecord):
            self.counts.steps += 1

    # What the listener is told.

    def _greet(self, listener: Listener) -> None:
        if self._info is not None:
            listener.on_message(wire.Outgoing(self._info))
        listener.on_text(self._state)

    def _change(self, info: messages.Info | None, state: str) -> None:
        with self._lock:
            self._info, self._state, self._inbox = info, state, _Inbox()
            if self._listener is not None:
                self._greet(self._listener)

    def _ready(self, device: Device) -> None:
        facts = self._facts(device)
        self.counts.info, self.counts.labels, self.counts.clock = device.info, facts["labels"], device.clock
        self._change(device.info, wire.board_ready(facts))
        if self._answered.is_set():
            log.info("the board is ready again")
        self._answered.set()

    def _away(self, reason: str) -> None:
        state = wire.board_away(reason)
        if state != self._state:  # told once, however long it lasts
            self.counts.interruptions += 1
            self._change(None, state)
            log.warning(reason)

    def _tell(self, message: Message) -> None:
        """Tells what comes of a RESET, if who asked for it is still there."""
        with self._lock:
            if self._listener is not None and self._listener is self._heard_by:
                self._listener.on_message(wire.Outgoing(message, self._turn))

    def _note(self, text: str) -> None:
        with self._lock:
            if self._listener is not None:
                self._listener.on_text(wire.note(text))

    def _facts(self, device: Device) -> dict[str, Any]:
        held = detector_settings.held_by(device)
        emulated = " (emulated)" if self.target.emulate else ""
        return {
            "device": f"{device.info.board}{emulated}",
            "labels": device.names(NamesKind.LABELS),
            "source": self.source.value,
            "smoothing_steps": held.config.smoothing_steps if held else None,
            "thresholds_q15": list(held.config.threshold_q15) if held else None,
        }


def _lost(events: int) -> str:
    return f"{events} results were lost on the way from the board. Use a better cable or a lower baud rate."
