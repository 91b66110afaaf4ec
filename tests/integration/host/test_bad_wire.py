"""A host at the end of a bad wire: right in the end, or a named error, and never for ever."""

import contextlib
import socket
import threading
import time

import numpy as np
import pytest
from kws_host import cli
from kws_host.audio_stream import FREE_SILENCES
from kws_host.device import RUN_ATTEMPTS, Device, LossError
from kws_host.frame import Frame, FrameDecoder
from kws_host.link import Link, LinkError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, MessageType

from tests.support import chaos, chaos_checks, clip_files, firmware

LAST_STEP = 48


@pytest.fixture(scope="module")
def fake():
    """The firmware with a made-up model, running under sanitizers."""
    with firmware.running(firmware.fake_firmware()) as board:
        yield board


def _pcm(samples: int = 16000) -> np.ndarray:
    return np.random.default_rng(1).integers(-32768, 32768, samples, dtype=np.int16)


class _Frames:
    """Passes frames to the host as a function of them says; counts recordings by their RESET_DONE."""

    def __init__(self, change):
        self._change, self._decoder = change, FrameDecoder()
        self.recordings = 0

    def __call__(self, data: bytes) -> bytes:
        out = []
        for item in self._decoder.feed(data):
            assert isinstance(item, Frame)
            self.recordings += item.type == MessageType.RESET_DONE
            out += self._change(item, self.recordings)
        return b"".join(frame if isinstance(frame, bytes) else frame.encode() for frame in out)


@contextlib.contextmanager
def _device(board, change, config=Config.NONE, timeout_s=1.0):
    """A device behind a wire, and the wire's counter."""
    wire_to_host = _Frames(change)
    with firmware.proxy(board.port, to_host=wire_to_host) as wire, Link(wire.url, timeout_s=timeout_s) as link:
        device = Device(link)
        device.configure(config)
        yield device, wire_to_host


def _is_step(frame: Frame, *steps: int) -> bool:
    return frame.type == MessageType.STEP and messages.StepRecord.decode(frame.payload).step in steps


@pytest.mark.parametrize("kind", [MessageType.STEP, MessageType.STATE_DIGEST, MessageType.DETECTION])
def test_run_last_event_is_lost_streams_it_again(fake, kind):
    """No event comes behind it, in whose number its loss would show."""
    # The sum of 98 features is past 100 in the last step, which is then a detection; of noise there is none.
    pcm = np.full(16000, 9, np.int16) if kind == MessageType.DETECTION else _pcm()

    def lose_the_last(frame: Frame, recording: int) -> list:
        if recording == 1 and frame.type == kind and frame.payload[:4] == LAST_STEP.to_bytes(4, "little"):
            return [b"\0damaged\0"]
        return [frame]

    config = Config.NONE if kind == MessageType.STEP else Config.STATE_DIGESTS
    with _device(fake, lambda frame, _: [frame], config) as (device, _):
        wanted = device.run(pcm)
    if kind == MessageType.DETECTION:
        assert wanted.detections[-1].step == LAST_STEP
    else:
        assert not wanted.detections or wanted.detections[-1].step != LAST_STEP
    with _device(fake, lose_the_last, config) as (device, wire):
        run = device.run(pcm)
    assert (run.attempts, wire.recordings) == (2, 2)
    assert [step.scores for step in run.steps] == [step.scores for step in wanted.steps]
    assert run.detections == wanted.detections and run.digests == wanted.digests


def test_run_damage_that_loses_no_event_is_no_reason_to_stream_again(fake):
    with _device(fake, lambda frame, _: [b"\0boot text\0", frame]) as (device, wire):
        run = device.run(_pcm())
    assert (run.attempts, wire.recordings, len(run.steps)) == (1, 1, LAST_STEP + 1)


def test_run_events_that_come_twice_in_a_burst_are_no_loss(fake):
    burst: list[Frame] = []

    def twice(frame: Frame, _: int) -> list:
        burst.append(frame)
        if _is_step(frame, 3, 7, 8, 28, LAST_STEP):
            again = list(burst)
            burst.clear()
            return [frame, *again]
        return [frame]

    with _device(fake, twice, Config.STATE_DIGESTS) as (device, wire):
        run = device.run(_pcm())
    assert (run.attempts, wire.recordings) == (1, 1)
    assert [step.step for step in run.steps] == list(range(LAST_STEP + 1)) == [digest.step for digest in run.digests]


def test_run_after_a_restart_whose_hello_was_lost_is_right(fake):
    """Events then count from 0 again, far behind those of before."""
    with _device(fake, lambda frame, _: [] if frame.type == MessageType.HELLO else [frame]) as (device, _):
        device.run(_pcm())
        device.run(_pcm())
        device.link.send(MessageType.RESTART, messages.Restart().encode())
        run = device.run(_pcm())
    assert [step.step for step in run.steps] == list(range(LAST_STEP + 1))


def test_run_loss_ends_an_attempt_when_it_shows(fake):
    steps: list[int] = []

    def lose_the_second(frame: Frame, recording: int) -> list:
        return [] if _is_step(frame, 1) else [frame]

    with _device(fake, lose_the_second) as (device, wire):
        device.on_event = lambda event: steps.append(event.step) if isinstance(event, messages.StepRecord) else None
        with pytest.raises(LossError, match=f"were lost on the way in each of {RUN_ATTEMPTS} attempts"):
            device.run(_pcm(160_000))
    assert wire.recordings == RUN_ATTEMPTS
    assert steps.count(0) == RUN_ATTEMPTS and len(steps) < 10 * RUN_ATTEMPTS, "the rest of 499 steps was not waited for"


def test_run_link_that_loses_nearly_all_audio_is_given_up(fake):
    pieces = 0

    def one_of_many(data: bytes) -> bytes:
        """One piece with samples of nine comes through, and all that ask for no more than an answer."""
        nonlocal pieces
        kept = []
        for item in decoder.feed(data):
            assert isinstance(item, Frame)
            if item.type == MessageType.AUDIO and len(item.payload) > 4:
                pieces += 1
                if pieces % 9:
                    continue
            kept.append(item.encode())
        return b"".join(kept)

    decoder = FrameDecoder()
    with firmware.proxy(fake.port, to_device=one_of_many) as wire, Link(wire.url, timeout_s=0.05) as link:
        with pytest.raises(LinkError, match=rf"loses too much: \d+ of 320000 bytes of audio took {FREE_SILENCES + 1} "):
            Device(link).run(_pcm(160_000))


@pytest.mark.parametrize("flood", [b"panic! ", b"\0\1\2\3", Frame(MessageType.HELLO, 0, bytes(8)).encode()])
def test_link_port_that_never_falls_silent_is_given_up(flood):
    ended, deadline = threading.Event(), time.monotonic() + 30

    def pour(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            while not ended.is_set() and time.monotonic() < deadline:
                connection.sendall(flood * 10_000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=pour, args=(server,), daemon=True)
        thread.start()
        with Link(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2) as link:
            with pytest.raises(LinkError, match="no answer from socket://"):
                Device(link)
            is_poured = thread.is_alive()
            ended.set()
        thread.join()
    assert is_poured, "only the end of the flood ended it"


def test_chaos_direction_damages_as_its_seed_says_however_the_bytes_come():
    weather = chaos.Weather(bytes_between=50, longest=10)
    data = bytes(range(1, 251)) * 20
    whole = chaos.Direction(weather, "seed").damage(data)
    assert whole != data
    assert whole == chaos.Direction(weather, "seed").damage(data) != chaos.Direction(weather, "other").damage(data)
    assert chaos.Direction(chaos.Weather(), "seed").damage(data) == data


@pytest.fixture(scope="module")
def word(tmp_path_factory):
    path = tmp_path_factory.mktemp("word") / "left" / "word.wav"
    clip_files.write_wav(path, clip_files.word())
    return path


def test_check_over_bad_wires_ends_right_or_with_a_named_error(board, word):
    """Twenty of the thousand that `python -m tests.tools.check_in_chaos --checks 1000` runs."""
    outcomes = [chaos_checks.check(board.port, word, seed) for seed in range(20)]
    assert all(outcome.is_fine for outcome in outcomes), outcomes
    verdicts = {outcome.verdict for outcome in outcomes}
    assert verdicts == {"right", "refused"}, "seeds that show both"


def test_check_over_a_clear_wire_after_all_that_is_right(board, word, capsys):
    assert cli.main(["check", str(word), "--port", board.url]) == 0
    assert "every integer equals the reference" in capsys.readouterr().out
