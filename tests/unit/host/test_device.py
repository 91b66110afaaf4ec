"""A device that says what it should not, or says nothing for a while."""

import argparse
import contextlib
import dataclasses

import numpy as np
import pytest
from kws_host import asking, microphone
from kws_host.capturing import NEAR_MISS, Moment
from kws_host.commands import capture, monitor
from kws_host.device import Device
from kws_host.frame import Frame
from kws_host.link import LinkError, RequestRefused
from kws_host.plain_view import Losses
from kws_host.target import Target, open_device
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import AudioHeard, Config, MessageType, NamesKind, SourceKind
from kws_reference.protocol.wire import Message

INFO = messages.Info(
    1, 1, 1, 16000, 480, 160, 2, 40, 3, 1, 1, 768, 2048, 0, 0, 0, 0, "00" * 32, "1.0", "native", "e", "matchbox"
)
STATS = messages.Stats(*[0] * (len(dataclasses.fields(messages.Stats)) - 2))


class FakeLink:
    """What a device answers, and what it sends.

    Attributes:
      answers: payloads of each answer, the last one again and again; an exception is raised.
      between: events that come before an answer to GET_INFO or GET_STATS.
      sent: events that come.
      requests: kinds, in order.
    """

    port, timeout_s, dropped_chunks, last_words = "fake", 1.0, 0, ""

    def __init__(self, info: messages.Info = INFO):
        self.answers: dict[MessageType, list] = {MessageType.INFO: [info], MessageType.STATS: [STATS]}
        self.sent: list[Message] = []
        self.between: list[Message] = []
        self.requests: list[MessageType] = []
        self.on_frame = lambda frame: None
        self._seq = 0

    def _frame(self, message: Message) -> Frame:
        self._seq += 1
        return Frame(message.TYPE, self._seq, message.encode())

    def request(self, kind: MessageType, payload: bytes, answer: MessageType) -> bytes:
        self.requests.append(kind)
        while kind in (MessageType.GET_INFO, MessageType.GET_STATS) and self.between:
            self.on_frame(self._frame(self.between.pop(0)))
        known = self.answers.get(answer, [b""])
        found = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, bytes) else found.encode()

    def decode(self, kind: type[Message], payload: bytes) -> Message:
        return kind.decode(payload or bytes(8))

    def receive(self, timeout_s: float) -> Frame | None:
        return self._frame(self.sent.pop(0)) if self.sent else None


def _step(step: int, scores: bytes = b"abc", label: int = 0) -> messages.StepRecord:
    return messages.StepRecord(step, 0, 0, 0, 0, label, 0, scores, b"")


def test_device_events_before_its_first_answer_are_those_of_whoever_was_there():
    link, events = FakeLink(), []
    link.between = [messages.Hello(*[0] * len(dataclasses.fields(messages.Hello))), _step(7, b"abcde", 4)]
    Device(link, events.append)
    assert [type(event) for event in events] == [messages.Hello, messages.StepRecord]


def test_device_texts_that_a_terminal_would_obey_are_escapes():
    link = FakeLink(dataclasses.replace(INFO, board="\x1b[2Jnative\nrow", model_name="m\x07"))
    link.answers[MessageType.NAMES] = [messages.Names(0, 2, 0, ("gr\u00fcn", "\x1b]52;c;\x07"))]
    device = Device(link)
    assert (device.info.board, device.info.model_name) == ("\\u001b[2Jnative\\u000arow", "m\\u0007")
    assert device.names(NamesKind.LABELS) == ["gr\u00fcn", "\\u001b]52;c;\\u0007"]


@pytest.mark.parametrize(
    "event", [_step(0, b"ab"), _step(0, b"abcd"), _step(0, label=3), messages.DetectionRecord(0, 3, 1)]
)
def test_device_event_of_labels_that_the_model_has_not_is_refused(event):
    link = FakeLink()
    device = Device(link)
    link.sent = [_step(0), event]
    events = device.events(0.0)
    assert next(events).step == 0
    with pytest.raises(LinkError, match="is of other labels than the 3 of native"):
        next(events)


def test_device_events_that_come_during_a_request_follow_in_their_order():
    link = FakeLink()
    device = Device(link)
    events = device.events(0.0)
    link.between, link.sent = [_step(0), _step(1)], [_step(2)]
    device.stats()
    assert [event.step for event in events] == [0, 1, 2]
    link.between = [_step(3)]
    seen = []
    device.on_event = seen.append
    device.stats()  # nobody follows events any more
    assert [event.step for event in seen] == [3]


def test_microphone_that_does_not_start_leaves_the_board_as_it_was():
    link = FakeLink()
    device = Device(link)
    link.answers[MessageType.SOURCE] = [RequestRefused("fake", messages.Error(messages.ErrorCode.UNAVAILABLE, 0, 0))]
    with (
        pytest.raises(KwsError, match="has no microphone"),
        microphone.started(device, messages.SetSource(SourceKind.MICROPHONE), Config.AUDIO),
    ):
        raise AssertionError("it did start")
    assert link.requests.count(MessageType.CONFIGURE) == 2  # and back


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("inf"), float("nan")])
def test_open_device_timeout_that_is_none_ends_in_one_line(timeout_s):
    with (
        pytest.raises(KwsError, match="--timeout must be positive"),
        open_device(Target("loop://", timeout_s=timeout_s)),
    ):
        raise AssertionError("it is open")


def test_microphone_of_another_rate_hears_no_recordings():
    device = Device(FakeLink(dataclasses.replace(INFO, sample_rate_hz=8000)))
    with pytest.raises(KwsError, match="played at 16,000 Hz, and the model hears 8,000 Hz"):
        microphone.require_rate(Target(emulate="b", arguments=("microphone",)), device)
    microphone.require_rate(Target(port="p"), device)


def test_ask_opens_the_port_of_a_board_that_starts_slowly_once(monkeypatch):
    opened, answers = [], [LinkError("silent"), LinkError("silent"), INFO]

    @contextlib.contextmanager
    def open_link(*_: object, **__: object):
        opened.append(True)
        link = FakeLink()
        link.answers[MessageType.INFO] = answers
        yield link

    monkeypatch.setattr(asking, "Link", open_link)
    assert asking.ask("p", 9600, 0.1).state == asking.SILENT and len(answers) == 2
    assert asking.ask("p", 9600, 0.1, boot_s=60.0).info == INFO and len(opened) == 2


def test_monitor_losses_of_connections_are_added_and_those_of_before_are_not_counted(monkeypatch):
    def stats(samples: int, overruns: int) -> messages.Stats:
        return dataclasses.replace(STATS, microphone_lost_samples=samples, serial_overruns=overruns)

    session = argparse.Namespace(lost=Losses(2, 30, 4, 1), note=lambda *_, **__: None)
    view = argparse.Namespace(on_losses=lambda losses: None)
    link = FakeLink()
    link.answers[MessageType.STATS] = [stats(0, 100), stats(0, 100), stats(5, 107), LinkError("gone")]
    device = Device(link)
    look = monitor._Look(device, session, view)
    look.take()
    assert session.lost == Losses(2, 30, 4, 1)
    look.take()
    assert session.lost == Losses(2, 35, 11, 1)
    device.lost_events = 3
    with pytest.raises(LinkError):
        look.take()
    assert session.lost == Losses(5, 35, 11, 1)


class _Keyboard:
    """Keys that are pressed before and after each question. Attributes: forgotten: keys that came too early."""

    is_there = True

    def __init__(self, *keys: str):
        self._keys, self.forgotten = list(keys), 0

    def pressed(self, wait_s: float = 0.0) -> str:
        return self._keys.pop(0) if self._keys else ""

    def forget(self) -> None:
        self.forgotten += 1


def test_capture_keys_are_about_the_capture_that_was_shown_last(tmp_path, capsys):
    keyboard = _Keyboard("", "r", "d")
    folder = capture.CaptureFolder(tmp_path)
    session = capture.Session(None, folder, capture.Screen(), 0.6, capture.Span(1, 1), keyboard, 9e9, "s")
    device, pcm = Device(FakeLink()), np.zeros(16, np.int16)
    for step, label in enumerate((0, 1)):
        cut = capture.Cut(Moment(NEAR_MISS, step, label, 9000), pcm, 0)
        capture._keep(device, session, ["yes", "no"], cut)
    out = capsys.readouterr().out
    assert "s_nohash_0.wav" in out and "s_nohash_1.wav" not in out and "1 more to be sorted" in out
    capture._sort_waiting(session)
    assert len(session.waiting) == 2 and keyboard.forgotten == 1
    capture._sort_waiting(session)
    assert "s_nohash_1.wav" in capsys.readouterr().out and keyboard.forgotten == 2  # now it is shown
    capture._sort_waiting(session)
    assert (tmp_path / "_unknown_/s_nohash_0.wav").is_file() and (tmp_path / "_dropped_/s_nohash_1.wav").is_file()


def test_capture_samples_that_the_board_dropped_are_noted(monkeypatch, tmp_path):
    link = FakeLink()
    pieces = [AudioHeard(start, bytes(2 * 1600)) for start in range(0, 32000, 1600)]
    link.sent = [*pieces[:2], messages.DetectionRecord(0, 1, 30000), *pieces[2:]]
    link.answers[MessageType.STATS] = [dataclasses.replace(STATS, microphone_lost_samples=160)]
    levels = (20000, 20000, 0, 10000) * 3
    link.answers[MessageType.DETECTOR] = [messages.DetectorSettings(0, 16, 1, 1, 0, 0, 0, levels)]
    link.answers[MessageType.NAMES] = [messages.Names(0, 3, 0, ("a", "b", "c"))]
    monkeypatch.setattr(microphone, "SILENCE_S", 0.0)
    folder = capture.CaptureFolder(tmp_path)
    source = messages.SetSource(SourceKind.MICROPHONE)
    span, silent = capture.Span(1, 0.5), capture.Screen("-")
    session = capture.Session(source, folder, silent, 0.6, span, capture.Keys(False), 9e9, "s")
    capture._listen(Device(link), session)
    assert [item.lost_samples for item in session.captures] == [160] and session.lost_samples == 160
