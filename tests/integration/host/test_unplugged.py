"""Boards on a cable that somebody pulls out, and ports that are busy, forbidden, gone, or somebody else's."""

import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import serial.serialposix
from kws_host import microphone
from kws_host.emulator.pseudo_terminal import PseudoTerminal
from kws_host.frame import Frame, FrameDecoder
from kws_host.plain_recording import PlainRecording
from kws_host.port import BUSY, GONE, NOT_PERMITTED, Port
from kws_reference.audio.pcm import read_wav
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import Message

from tests.support import clip_files, firmware, host_cli


class Cable:
    """A serial device of a fixed name, which is pulled out after so many messages, and plugged in again.

    Attributes:
      device: its path.
    """

    def __init__(self, folder: Path, kind: MessageType, count: int, comes_back: bool = True):
        self.device = folder / "ttyKWS"
        self._kind, self._left, self._comes_back = kind, count, comes_back
        self._decoder, self._thread = FrameDecoder(), threading.Thread(target=self._pull)
        self._port = 0

    def plug(self, port: int) -> None:
        """Args: port: of the board."""
        self._port = port
        self._terminal = PseudoTerminal("127.0.0.1", port)
        self.device.symlink_to(self._terminal.device)

    def watch(self, data: bytes) -> bytes:
        """Counts messages on their way to the host."""
        for item in self._decoder.feed(data):
            if isinstance(item, Frame) and item.type == self._kind:
                self._left -= 1
                if self._left == 0:
                    self.pull()
        return data

    def pull(self) -> None:
        """Pulls it out now."""
        self._thread.start()

    def _pull(self) -> None:
        self.device.unlink()
        self._terminal.close()
        if self._comes_back:
            time.sleep(0.3)
            self.plug(self._port)

    def close(self) -> None:
        """At the end."""
        if self._thread.ident:
            self._thread.join()
        self._terminal.close()


@pytest.fixture
def cable(program, tmp_path):
    """Starts a board on a cable; whenever its microphone is started it hears a word six times."""
    made = []

    def start(kind: MessageType, count: int = 1 << 31, comes_back: bool = True) -> Path:
        pcm = np.tile(np.pad(clip_files.spoken("left/rms.wav"), (12000, 12000)), 6)
        pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
        board = firmware.Running(program, "microphone heard.pcm 1 0 1", tmp_path)
        one = Cable(tmp_path, kind, count, comes_back)
        wire = firmware.Proxy(board.port, lambda data: data, one.watch)
        one.plug(int(wire.url.rsplit(":", 1)[1]))
        made.extend([one.close, wire.close, board.stop])
        start.pull = one.pull
        return one.device

    yield start
    for end in made:
        end()


def test_record_goes_on_with_what_is_missing_after_an_unplug(capsys, cable, tmp_path):
    device = cable(MessageType.AUDIO_HEARD, 300)  # in the second take
    words = ("record", "--port", device, "--words", "left", "--count", "2", "--speaker", "a", "--timeout", "1")
    status, out, err = host_cli.run(capsys, *words, "--out", tmp_path / "w")
    assert status == 0, err
    assert "connection broke" in err and "Waiting 60 s for it" in err and "native is back" in err
    assert sorted(path.name for path in (tmp_path / "w/left").iterdir()) == ["a_nohash_0.wav", "a_nohash_1.wav"]
    assert out.count("_nohash_") == 2


@pytest.fixture
def pulled_in_the_middle(cable, monkeypatch):
    """A board whose cable is pulled out when a plain recording has some audio."""
    write, is_pulled = PlainRecording.write, []

    def write_and_pull(recording: PlainRecording, pcm: np.ndarray) -> None:
        write(recording, pcm)
        if recording.samples >= 1600 and not is_pulled:
            is_pulled.append(True)
            cable.pull()

    monkeypatch.setattr(PlainRecording, "write", write_and_pull)
    return cable


def test_record_plain_keeps_what_was_heard_before_an_unplug_and_goes_on_in_a_second_file(
    capsys, pulled_in_the_middle, tmp_path
):
    device = pulled_in_the_middle(MessageType.AUDIO_HEARD)
    words = ("record", "--port", device, "--duration", "2", "--out", tmp_path / "a.wav", "--keep-dc", "--timeout", "1")
    status, out, err = host_cli.run(capsys, *words, "--json", "-")
    told = json.loads(out)
    assert status == 1 and "native is back" in err and "has a break" in err  # there is no audio of the time between
    assert told["files"] == [str(tmp_path / "a.wav"), str(tmp_path / "a-2.wav")] and told["seconds"] == 2
    heard = np.fromfile(tmp_path / "heard.pcm", "<i2")
    before, after = read_wav(tmp_path / "a.wav"), read_wav(tmp_path / "a-2.wav")
    assert len(before) and len(after) and len(before) + len(after) == 32000
    assert np.array_equal(before, heard[: len(before)]) and np.array_equal(after, heard[: len(after)])
    assert not list(tmp_path.glob("*.partial"))


def test_capture_and_monitor_go_on_after_an_unplug(capsys, cable, tmp_path):
    device = cable(MessageType.DETECTION, 2)
    words = ("capture", "--port", device, "--out", tmp_path / "c", "--duration", "3", "--timeout", "1")
    status, out, err = host_cli.run(capsys, *words, "--near", "1", "--json", "-")
    captures = json.loads(out)["captures"]
    assert status == 0 and "native is back" in err
    assert len(captures) > 2 and len({capture["file"] for capture in captures}) == len(captures)
    assert all((tmp_path / "c" / capture["file"]).is_file() for capture in captures)


def test_monitor_goes_on_after_an_unplug_and_logs_both_connections(capsys, cable, tmp_path):
    device, log = cable(MessageType.STEP, 200), tmp_path / "log.jsonl"
    status, _, err = host_cli.run(
        capsys, "monitor", "--port", device, "--duration", "2.5", "--log", log, "--timeout", "1"
    )
    assert status == 0 and "native is back" in err
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("connected") == 2 and events[-1] != "connected"


def test_monitor_goes_on_with_the_recordings_that_are_left(capsys, cable, audio, tmp_path):
    device, log = cable(MessageType.STEP, 80), tmp_path / "log.jsonl"  # in the second recording of 49 steps
    word = audio / "left/word.wav"
    words = ("monitor", "--port", device, "--wav", word, word, word, "--log", log, "--timeout", "1", "--json", "-")
    status, out, err = host_cli.run(capsys, *words)
    told = json.loads(out)
    assert status == 0 and "native is back" in err and told["reconnects"] == told["lost"]["reconnects"] == 1
    assert told["detections_total"] == len(told["detections"]) >= 3
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("recording") == 4 and told["steps"] < 4 * 49


@pytest.fixture
def restarting(program, tmp_path):
    """Starts a board that begins anew, on request of somebody else or by a fault, each time it has computed steps."""
    made = []

    def start(request: Message, steps: int, times: int = 1) -> str:
        pcm = np.tile(np.pad(clip_files.spoken("left/rms.wav"), (12000, 12000)), 6)
        pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
        board = firmware.Running(program, "microphone heard.pcm 1 0 1", tmp_path)
        decoder, counts = FrameDecoder(), {"steps": 0, "left": times}

        def watch(data: bytes) -> bytes:
            frames = [item for item in decoder.feed(data) if isinstance(item, Frame)]
            counts["steps"] += sum(frame.type == MessageType.STEP for frame in frames)
            if counts["steps"] >= steps and counts["left"]:
                counts.update(steps=0, left=counts["left"] - 1)
                wire.device.sendall(Frame(request.TYPE, 7, request.encode()).encode())
            return data

        wire = firmware.Proxy(board.port, lambda data: data, watch)
        made.extend([wire.close, board.stop])
        return wire.url

    yield start
    for end in made:
        end()


@pytest.mark.parametrize(
    ("request_", "cause"), [(messages.Restart(), "restarted in the middle"), (messages.TestFault(), "faulted: ")]
)
def test_monitor_goes_on_after_a_restart(capsys, restarting, request_, cause, tmp_path):
    url, log = restarting(request_, 30), tmp_path / "log.jsonl"
    words = ("monitor", "--port", url, "--duration", "4", "--log", log, "--json", "-")
    status, out, err = host_cli.run(capsys, *words)
    told = json.loads(out)
    assert status == 0 and told["reconnects"] == 1 and err.count("It begins anew.") == 1 and cause in err
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("connected") == 2 and "detection" in events[events.index("connected", 1) :]


def test_capture_goes_on_after_a_restart(capsys, restarting, tmp_path):
    url = restarting(messages.Restart(), 30)
    words = ("capture", "--port", url, "--out", tmp_path / "c", "--duration", "4", "--near", "1", "--json", "-")
    status, out, err = host_cli.run(capsys, *words)
    assert status == 0 and "It begins anew." in err and json.loads(out)["captures"]


def test_board_that_restarts_again_and_again_is_given_up(capsys, restarting, monkeypatch):
    monkeypatch.setattr(microphone, "MOST_RESTARTS", 2)
    url = restarting(messages.Restart(), 1, times=9)
    status, _, err = host_cli.run(capsys, "monitor", "--port", url, "--duration", "30")
    assert status == 2 and err.splitlines()[-1].endswith("That was the restart number 2 in 60 s.")
    url = restarting(messages.Restart(), 1, times=9)
    status, _, err = host_cli.run(capsys, "monitor", "--port", url, "--duration", "30", "--wait", "0")
    assert status == 2 and "begins anew" not in err and err.splitlines()[-1].startswith("error: ")


def test_monitor_whose_time_is_over_does_not_wait_for_an_unplugged_board(capsys, cable):
    device = cable(MessageType.STEP, comes_back=False)
    threading.Timer(1.5, cable.pull).start()
    status, out, err = host_cli.run(capsys, "monitor", "--port", device, "--duration", "3", "--json", "-")
    assert status == 0 and json.loads(out)["steps"] > 0
    assert "The time is over, and the board is not back." in err


def test_board_that_does_not_come_back_ends_when_the_wait_is_over(capsys, pulled_in_the_middle, tmp_path):
    device = pulled_in_the_middle(MessageType.AUDIO_HEARD, comes_back=False)
    words = ("record", "--port", device, "--duration", "5", "--out", tmp_path / "a.wav", "--wait", "0.6")
    status, _, err = host_cli.run(capsys, *words)
    assert status == 2 and 1000 < len(read_wav(tmp_path / "a.wav")) < 5 * 16000  # what was heard stays
    assert err.splitlines()[-1].startswith(f"error: no port {device}") and "Traceback" not in err


# --- why a port cannot be used ---


@pytest.fixture
def terminal():
    """Both ends of a pseudo-terminal: descriptor and path."""
    control, end = os.openpty()
    yield control, os.ttyname(end)
    os.close(end)
    os.close(control)


def _state(capsys, port: object) -> tuple[str, str]:
    (told,) = json.loads(host_cli.run(capsys, "list", "--port", port, "--json", "-", "--timeout", "0.1")[1])["ports"]
    return told["state"], told["detail"]


def test_port_that_another_program_has_is_busy(capsys, terminal):
    port = Port(terminal[1])
    try:
        assert "is in use by another program" in host_cli.fails_with_one_line(capsys, "info", "--port", terminal[1])
        assert _state(capsys, terminal[1])[0] == BUSY
    finally:
        port.close()


def test_port_that_may_not_be_opened_names_the_group(capsys, terminal, monkeypatch):
    def forbidden(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(serial.serialposix.os, "open", forbidden)
    err = host_cli.fails_with_one_line(capsys, "info", "--port", terminal[1])
    monkeypatch.undo()
    assert "no permission to open" in err and "dialout" in err
    monkeypatch.setattr(Port, "__init__", lambda *_: (_ for _ in ()).throw(_forbidden()))
    assert _state(capsys, terminal[1])[0] == NOT_PERMITTED


def _forbidden() -> Exception:
    from kws_host.port import PortUnavailable

    return PortUnavailable("no permission", NOT_PERMITTED)


def test_port_that_speaks_something_else_is_told_with_its_words(capsys, terminal):
    stop = threading.Event()

    def speak() -> None:
        while not stop.wait(0.02):
            os.write(terminal[0], b"login: \r\n")

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        err = host_cli.fails_with_one_line(capsys, "info", "--port", terminal[1], "--timeout", "0.1")
        assert "no answer" in err and "it said:" in err and "login:" in err
        state, detail = _state(capsys, terminal[1])
        assert state == "speaks something else" and "login:" in detail
    finally:
        stop.set()
        thread.join()


def test_port_that_says_nothing_or_is_not_there(capsys, terminal, board):
    assert _state(capsys, terminal[1])[0] == "silent"
    assert _state(capsys, "/dev/kws-none")[0] == GONE
    assert _state(capsys, "socket://127.0.0.1:1")[0] == "nobody listens"
    state, _ = _state(capsys, board.url)
    assert state == "runs a firmware of ours"


def test_port_that_goes_while_it_is_asked_ends_in_one_line(capsys, terminal):
    control, end = os.openpty()
    path = os.ttyname(end)
    os.close(end)
    closer = threading.Timer(0.3, os.close, [control])
    closer.start()
    err = host_cli.fails_with_one_line(capsys, "info", "--port", path, "--timeout", "5")
    closer.join()
    assert "connection broke" in err and "unplugged" in err
