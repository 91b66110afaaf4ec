"""`kws-host` info, bench and monitor against the whole firmware on the native board."""

import json
import re

from kws_host import project
from kws_host.frame import Frame, FrameDecoder
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import MessageType

from tests.support import clip_files, firmware, host_cli


def test_info_prints_and_writes_json(capsys, board):
    status, out, _ = host_cli.run(capsys, "info", "--port", board.url)
    assert status == 0 and re.search(r"^board +native$", out, re.MULTILINE)
    data = json.loads(host_cli.run(capsys, "info", "--port", board.url, "--json", "-")[1])
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    assert data["labels"] == list(bundle.labels)
    assert data["states"] == [state.name for state in bundle.states]
    assert data["info"]["model_sha256"] == bundle.model_sha256


def test_bench_gives_stages_layers_and_memory(capsys, board, audio):
    status, out, _ = host_cli.run(capsys, "bench", "--port", board.url, "--steps", "20")
    assert status == 0 and "engine states" in out and "front end per frame" in out
    data = json.loads(
        host_cli.run(capsys, "bench", "--port", board.url, "--wav", audio / "no/noise.wav", "--json", "-")[1]
    )
    assert data["steps"] == 49 and len(data["layers"]) > 5
    assert all(layer["mean"] > 0 for layer in data["layers"])
    assert data["stages"]["step"]["min"] <= data["stages"]["step"]["mean"] <= data["stages"]["step"]["max"]


def test_bench_without_a_counter_says_so(capsys, board):
    def without_clock(data: bytes) -> bytes:
        out = b""
        for item in decoder.feed(data):
            if isinstance(item, Frame) and item.type == MessageType.INFO:
                item = Frame(item.type, item.seq, b"\0" + item.payload[1:])
            out += item.encode() if isinstance(item, Frame) else b""
        return out

    decoder = FrameDecoder()
    with firmware.proxy(board.port, to_host=without_clock) as wire:
        assert "no counter" in host_cli.fails_with_one_line(capsys, "bench", "--port", wire.url)


def test_monitor_counts_steps_and_prints_the_detections_of_the_reference(capsys, board, audio):
    status, out, err = host_cli.run(capsys, "monitor", "--port", board.url, "--wav", audio / "left/word.wav")
    assert status == 0
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    events = [step.detection for step in Pipeline(bundle).run(clip_files.word()) if step.detection]
    assert events, "the recording must raise a detection"
    assert [line.split()[2] for line in out.splitlines()] == [bundle.labels[event.label] for event in events]
    assert f"49 steps, {len(events)} detections" in err


def test_monitor_prints_text_between_frames(capsys, board, audio):
    state = {"said": False}

    def with_text(data: bytes) -> bytes:
        said, state["said"] = state["said"], True
        return data if said else data + b"clock trimmed\r\nready\r\n"

    with firmware.proxy(board.port, to_host=with_text) as wire:
        _, out, _ = host_cli.run(capsys, "monitor", "--port", wire.url, "--wav", audio / "no/noise.wav")
    assert out.startswith("> clock trimmed\n> ready\n")


def test_monitor_without_audio_shows_what_the_microphone_hears(capsys, program, tmp_path):
    clip_files.word().astype("<i2").tofile(tmp_path / "heard.pcm")
    with firmware.running(program, "microphone heard.pcm 1 0 0", tmp_path) as board:
        status, out, err = host_cli.run(capsys, "monitor", "--port", board.url, "--duration", "1")
    assert status == 0 and "left" in out and " 0 steps" not in err


def test_monitor_without_audio_and_microphone_says_so(capsys, board):
    status, _, err = host_cli.run(capsys, "monitor", "--port", board.url, "--duration", "0.3")
    assert status == 2 and "native has no microphone: stream recordings to it" in err
