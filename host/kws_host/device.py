"""A device behind a link: typed requests, and recordings streamed with flow control."""

import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, ErrorCode, MessageType, NamesKind, SourceKind, Status
from kws_reference.protocol.wire import Message
from kws_reference.system.file_names import printable
from kws_reference.timing import StepClock

from kws_host.audio_stream import AudioStream
from kws_host.frame import Frame
from kws_host.link import AnyMessage, Link, LinkError, RequestRefused, other_version

RUN_ATTEMPTS = 3
"""How often a recording is streamed in all, when the link loses results."""
RESTART_TIMEOUTS = 5
"""Answer timeouts that a device may take to come back after a restart."""
BURST_EVENTS = 64
"""Most events that come twice together; a number farther back is that of a device which has restarted."""
EVENTS: tuple[type[Message], ...] = (
    messages.StepRecord,
    messages.DetectionRecord,
    messages.StateDigest,
    messages.FrontendDigest,
    messages.AudioHeard,
    messages.Hello,
    messages.Fault,
)


def _plain(info: messages.Info) -> messages.Info:
    """With texts that can be shown: a device may send what a terminal would obey."""
    texts: dict[str, Any] = {name: printable(text) for name, text in vars(info).items() if isinstance(text, str)}
    return dataclasses.replace(info, **texts)


class DeviceRestarted(KwsError):
    """The device begins anew: what was asked of it before, and what it heard, is forgotten."""


class LossError(LinkError):
    """Events of a recording were lost on the way; stream it again."""


@dataclasses.dataclass
class Run:
    """What a device sent while one recording was streamed to it.

    Attributes:
      steps: one record per step, in order, from step 0 on.
      detections: the events.
      digests: per step the CRC-32 of each state, when asked for.
      frontend_digests: likewise of each stage of the front end.
      attempts: 1, or more when the link lost something and it was streamed again.
    """

    steps: list[messages.StepRecord] = dataclasses.field(default_factory=list)
    detections: list[messages.DetectionRecord] = dataclasses.field(default_factory=list)
    digests: list[messages.StateDigest] = dataclasses.field(default_factory=list)
    frontend_digests: list[messages.FrontendDigest] = dataclasses.field(default_factory=list)
    attempts: int = 1


class Device:
    """Requests to one device. The link stays the caller's.

    Attributes:
      link: the link.
      info: answer to GET_INFO, asked for once.
      clock: samples, steps and seconds of the device's model, converted.
      on_event: called with every decoded event (STEP, DETECTION, ...), for monitors.
      lost_events: that were lost on the way so far.
    """

    def __init__(self, link: Link, on_event: Callable[[Message], None] | None = None):
        """Asks who is there.

        Raises:
          LinkError: nobody answers. KwsError: the device speaks another protocol version.
        """
        self.link = link
        self.on_event = on_event
        self._run: Run | None = None
        self._event_seq: int | None = None  # of the last event
        self._event_was_lost = False
        self._gap_is_known = False  # before the next event: those of an attempt that was ended
        self.lost_events = 0
        self._hears_host = False  # not known: somebody before us may have chosen the microphone
        self._config = Config.NONE
        self._label_count: int | None = None  # not known yet
        self._set_aside: deque[Frame] | None = None  # that came while `events` waits for the answer to a request
        link.on_frame = self._on_frame
        try:
            self.info = _plain(self._ask(MessageType.GET_INFO, b"", messages.Info))
        except RequestRefused as error:
            if error.error.code != ErrorCode.BAD_VERSION:
                raise
            raise other_version(link.port, error.error.detail) from error
        self._label_count = self.info.label_count
        self.clock = StepClock(
            self.info.sample_rate_hz, self.info.window_samples, self.info.hop_samples, self.info.frames_per_step
        )

    def _ask(self, kind: MessageType, payload: bytes, answer: type[AnyMessage]) -> AnyMessage:
        return self.link.decode(answer, self.link.request(kind, payload, answer.TYPE))

    def names(self, kind: NamesKind) -> list[str]:
        """Labels, states or layers, in the device's order; what is not printable in them as an escape."""
        names: list[str] = []
        while True:
            part = self._ask(MessageType.GET_NAMES, messages.GetNames(kind, len(names)).encode(), messages.Names)
            names += map(printable, part.names)
            if len(names) >= part.total or not part.names:
                return names

    def reset(self) -> messages.ResetDone:
        """Forgets all audio. Returns the first credit."""
        return self._ask(MessageType.RESET, b"", messages.ResetDone)

    def set_source(self, source: messages.SetSource) -> None:
        """Chooses where PCM comes from, and forgets all audio.

        Raises:
          KwsError: the board has no microphone.
        """
        self._hears_host = source.kind == SourceKind.HOST
        try:
            self._ask(MessageType.SET_SOURCE, source.encode(), messages.Source)
        except RequestRefused as error:
            if error.error.code not in (ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_TYPE):
                raise
            status = error.error.detail
            if error.error.code == ErrorCode.UNAVAILABLE and status in set(Status) - {Status.OK, Status.UNAVAILABLE}:
                raise KwsError(
                    f"the microphone of {self.info.board} does not start: {Status(status).meaning}"
                ) from error
            raise KwsError(f"{self.info.board} has no microphone: stream recordings to it") from error

    def _use_host(self) -> None:
        """Ends what somebody else has left: a device that hears its microphone takes no audio."""
        if not self._hears_host:
            with contextlib.suppress(RequestRefused):  # older firmware; an engine that failed, which RESET tells
                self._ask(MessageType.SET_SOURCE, messages.SetSource(SourceKind.HOST).encode(), messages.Source)
            self._hears_host = True

    def configure(self, config: Config) -> None:
        """Chooses what STEP and BENCH hold, and which events follow.

        Raises:
          KwsError: the firmware is from before it could send what it hears.
        """
        try:
            self.link.request(MessageType.CONFIGURE, messages.Configure(config).encode(), MessageType.CONFIGURED)
        except RequestRefused as error:
            if error.error.code != ErrorCode.BAD_PAYLOAD or Config.AUDIO not in config:
                raise
            raise KwsError(
                f"the firmware of {self.info.board} is from before it could send what it hears. Flash this kit's."
            ) from error
        self._config = config

    def detector(self) -> messages.DetectorSettings:
        """Settings of the detector that hold, with the levels of all labels.

        Raises:
          RequestRefused: with UNKNOWN_TYPE by firmware from before this request.
        """
        first = self._ask(MessageType.GET_DETECTOR, messages.GetDetector(0).encode(), messages.DetectorSettings)
        levels, wanted = list(first.levels), messages.LEVELS_PER_LABEL * self.info.label_count
        while 0 < len(levels) < wanted:
            request = messages.GetDetector(len(levels) // messages.LEVELS_PER_LABEL)
            part = self._ask(MessageType.GET_DETECTOR, request.encode(), messages.DetectorSettings)
            if not part.levels:
                break
            levels += part.levels
        return dataclasses.replace(first, levels=tuple(levels))

    def set_detector(self, settings: messages.SetDetector) -> messages.DetectorSettings:
        """Sets what one frame holds. Returns what holds then, as much of it as one frame takes.

        Raises:
          RequestRefused: by firmware from before this request, with BAD_PAYLOAD of a value beyond its range, or with
            UNAVAILABLE when it cannot be kept: ever, or, where the detail is `Status.FAILED_PRECONDITION`, while the
            microphone is heard.
        """
        return self._ask(MessageType.SET_DETECTOR, settings.encode(), messages.DetectorSettings)

    def stats(self) -> messages.Stats:
        """Counters and memory figures."""
        return self._ask(MessageType.GET_STATS, b"", messages.Stats)

    def fault(self) -> messages.Fault:
        """The last processor fault since power-on; ``count`` 0 when there was none."""
        return self._ask(MessageType.GET_FAULT, b"", messages.Fault)

    def bench(self) -> messages.Bench:
        """Sums of ticks since RESET, all layers."""
        first = self._ask(MessageType.GET_BENCH, messages.GetBench(0).encode(), messages.Bench)
        layers = list(first.layer_ticks)
        while 0 < len(layers) < self.info.layer_count:
            part = self._ask(MessageType.GET_BENCH, messages.GetBench(len(layers)).encode(), messages.Bench)
            if not part.layer_ticks:
                break
            layers += part.layer_ticks
        return dataclasses.replace(first, layer_ticks=tuple(layers))

    def restart(self) -> messages.Hello:
        """Resets the chip, waits until it answers again and returns its HELLO."""
        self.link.send(MessageType.RESTART, messages.Restart().encode())
        return self._wait_for_hello()

    def test_fault(self) -> messages.Fault:
        """Makes the device fault on purpose, waits for its restart, and returns the fault it remembers."""
        self.link.send(MessageType.TEST_FAULT, messages.TestFault().encode())
        self._wait_for_hello()
        return self.fault()

    def _wait_for_hello(self) -> messages.Hello:
        deadline = time.monotonic() + RESTART_TIMEOUTS * self.link.timeout_s
        while time.monotonic() < deadline:
            frame = self.link.receive(0.1)
            if frame is not None and frame.type == MessageType.HELLO:
                self._event_seq = frame.seq
                return self.link.decode(messages.Hello, frame.payload)
        raise LinkError(f"{self.link.port}: the device did not come back after a restart. Reset it by hand.")

    def run(self, pcm: np.ndarray, on_progress: Callable[[int], None] | None = None) -> Run:
        """Resets the device and streams a recording; streams it again when the link lost something.

        Args:
          pcm: int16 ``[samples]`` at the device's sample rate.
          on_progress: called with the number of samples that the device has taken so far.

        Raises:
          LinkError: the link broke, or lost something in every attempt. DeviceRestarted: it did, or faulted.
        """
        for attempt in range(1, RUN_ATTEMPTS + 1):
            try:
                run = self._run_once(np.asarray(pcm, "<i2").tobytes(), on_progress)
            except LossError:
                if attempt == RUN_ATTEMPTS:
                    raise
                continue
            run.attempts = attempt
            return run
        raise AssertionError("unreachable")

    def _run_once(self, data: bytes, on_progress: Callable[[int], None] | None) -> Run:
        self._use_host()
        before, dropped_before = self.stats(), self.link.dropped_chunks
        credit = self.reset()
        run = self._run = Run()
        self._event_was_lost, self._gap_is_known = False, True
        lost = LossError(
            f"{self.link.port}: results of {self.clock.steps_in(len(data) // 2)} steps were lost on the way in each of "
            f"{RUN_ATTEMPTS} attempts. Use a better cable or a lower baud rate."
        )

        def on_frame(frame: Frame) -> None:
            self.take(frame)
            if self._event_was_lost or (run.steps and run.steps[-1].step != len(run.steps) - 1):
                raise lost  # now, not at the end of a long recording

        try:
            stream = AudioStream(self.link, credit, self.info.credit_window_bytes)
            stream.run(data, on_frame, on_progress)
        finally:
            self._run = None
        # No event follows the last ones, to show that they were lost: where anything was, the device's counters tell.
        has_lost = stream.silences_in_all > 0 or self.link.dropped_chunks != dropped_before
        if has_lost and not self._is_whole(run, before, self.stats()):
            raise lost
        return run

    def _is_whole(self, run: Run, before: messages.Stats, after: messages.Stats) -> bool:
        """Whether all came that the device sent between two looks at its counters, which wrap."""
        steps, detections = after.steps - before.steps, after.detections - before.detections
        counts = [(len(run.steps), steps), (len(run.detections), detections)]
        counts += [(len(run.digests), steps)] if Config.STATE_DIGESTS in self._config else []
        counts += [(len(run.frontend_digests), steps)] if Config.FRONTEND_DIGESTS in self._config else []
        return all(came == sent % 2**32 for came, sent in counts)

    def stream(self) -> AudioStream:
        """Resets the device, for audio that comes bit by bit. Frames that are not about the stream go to `take`."""
        self._use_host()
        return AudioStream(self.link, self.reset(), self.info.credit_window_bytes)

    def hear(self, source: messages.SetSource, steps: int, silence_s: float) -> tuple[Run, messages.Stats]:
        """As `hear_pieces`, in one piece. Returns what the device sent, and its counters afterwards."""
        heard = Run()
        for piece in self.hear_pieces(source, steps, silence_s, steps):
            heard = piece
        return heard, self.stats()

    def hear_pieces(self, source: messages.SetSource, steps: int, silence_s: float, piece_steps: int) -> Iterator[Run]:
        """Lets the device hear from the microphone on, until it computed so many steps or fell silent.

        Args:
          source: the microphone, and what its samples go through.
          steps: to wait for.
          silence_s: after so long without a step there come no more.
          piece_steps: of a piece; the last one may have fewer.

        Yields:
          What it sent, piece by piece, each with all events of its steps.

        Raises:
          LinkError: the link broke or lost something. RequestRefused: the engine failed. KwsError: the board has no
            microphone. DeviceRestarted: it did, or faulted.
        """
        self.set_source(source)
        self._event_was_lost = False
        self._run = run = Run()
        done = 0
        try:
            while done + len(run.steps) < steps and (frame := self.link.receive(silence_s)) is not None:
                if frame.type == MessageType.ERROR:
                    raise RequestRefused(self.link.port, self.link.decode(messages.Error, frame.payload))
                if len(run.steps) == piece_steps and frame.type == MessageType.STEP:  # that piece has all its events
                    self._require_all(run, done)
                    done += piece_steps
                    self._run = Run()
                    yield run
                    run = self._run
                self.take(frame)
            self.stats()  # which comes behind the last step's events
            self._require_all(run, done)
            yield run
        finally:
            self._run = None

    def _require_all(self, run: Run, first: int) -> None:
        if self._event_was_lost or [record.step for record in run.steps] != list(range(first, first + len(run.steps))):
            raise LossError(f"{self.link.port}: results were lost on the way. Use a better cable or a lower baud rate.")

    def events(self, silence_s: float) -> Iterator[Message]:
        """Events as they come, until none comes for so long. `lost_events` counts those that did not come.

        Those that come while the device is asked something, as for `stats`, follow behind.

        Raises:
          LinkError: the link broke. RequestRefused: the engine failed. DeviceRestarted: it did, or faulted.
        """
        self._set_aside = deque()  # from now on, not from the first event on that is asked for
        return self._events(self._set_aside, silence_s)

    def _events(self, frames: deque[Frame], silence_s: float) -> Iterator[Message]:
        try:
            while (frame := frames.popleft() if frames else self.link.receive(silence_s)) is not None:
                if frame.type == MessageType.ERROR:
                    raise RequestRefused(self.link.port, self.link.decode(messages.Error, frame.payload))
                if (event := self.take(frame)) is not None:
                    self._require_running(event)
                    yield event
        finally:
            self._set_aside = None

    def _on_frame(self, frame: Frame) -> None:
        """Takes a frame that answers no request; whoever follows `events` gets it there, in its turn."""
        if self._set_aside is None:
            self.take(frame)
        else:
            self._set_aside.append(frame)

    def take(self, frame: Frame) -> Message | None:
        """Takes an event, and returns it; late answers and unknown types of newer firmware are left alone."""
        kind = next((kind for kind in EVENTS if kind.TYPE == frame.type), None)
        if kind is None:
            return None
        event = self.link.decode(kind, frame.payload)
        self._require_labels(event)
        if not self._is_new(frame):
            return None
        if self.on_event:
            self.on_event(event)
        if self._run is not None:
            self._collect(event, self._run)
        return event

    def _require_labels(self, event: Message) -> None:
        """Raises LinkError when an event is of labels that the model has not."""
        if self._label_count is None:  # of whoever was here before us
            return
        labels = self._label_count
        match event:
            case messages.StepRecord():
                is_right = event.top_label < labels and len(event.scores) == labels
            case messages.DetectionRecord():
                is_right = event.label < labels
            case _:
                return
        if not is_right:
            raise LinkError(
                f"{self.link.port}: {event.TYPE.name} is of other labels than the {labels} of {self.info.board}. "
                "Flash this kit's firmware."
            )

    def _is_new(self, frame: Frame) -> bool:
        """False for an event that came twice on the way. Remembers whether one before it did not come at all."""
        if frame.type == MessageType.FAULT:  # sent from the fault handler, which counts nothing
            return True
        if frame.seq == self._event_seq:
            return False
        if self._event_seq is not None and frame.type != MessageType.HELLO:  # which starts the count anew
            ahead = (frame.seq - self._event_seq) % 65536
            if ahead > 65536 - BURST_EVENTS:  # one of several that came twice
                return False
            if ahead > 1 and not self._gap_is_known:
                self._event_was_lost = True
                self.lost_events += ahead - 1
        self._event_seq, self._gap_is_known = frame.seq, False
        return True

    def _collect(self, event: object, run: Run) -> None:
        """Puts an event where it belongs. Raises KwsError when it ends the recording."""
        match event:
            case messages.StepRecord():
                run.steps.append(event)
            case messages.DetectionRecord():
                run.detections.append(event)
            case messages.StateDigest():
                run.digests.append(event)
            case messages.FrontendDigest():
                run.frontend_digests.append(event)
        self._require_running(event)

    def _require_running(self, event: object) -> None:
        """Raises DeviceRestarted when an event tells that what was heard has ended."""
        match event:
            case messages.Fault():  # it restarts
                raise DeviceRestarted(f"{self.link.port}: the device faulted: {event}")
            case messages.Hello():
                raise DeviceRestarted(
                    f"{self.link.port}: the device restarted in the middle of a recording. Check its power supply."
                )

    def listen(self, duration_s: float) -> None:
        """Receives events for a while, for `on_event`."""
        deadline = time.monotonic() + duration_s
        while (left := deadline - time.monotonic()) > 0:
            frame = self.link.receive(left)
            if frame is not None:
                self.take(frame)
