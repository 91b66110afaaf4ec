"""`kws-host` info, bench and monitor against the whole firmware on the native board."""

import dataclasses
import io
import json
import re

import pytest
from kws_host import event_log, project
from kws_host.frame import Frame, FrameDecoder
from kws_host.monitor_screen import MonitorScreen
from kws_host.plain_view import Losses
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import AudioHeard, DetectionRecord, Info, MessageType, StepRecord
from rich.console import Console

from tests.support import clip_files, firmware, host_cli

INFO = Info(
    1, 1, 1, 16000, 480, 160, 2, 40, 12, 6, 22, 768, 2048, 0, 0, 0, 0, "0" * 64, "0", "native", "aot", "matchbox"
)


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(project.RELEASED_BUNDLE)


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
        words = ("monitor", "--port", board.url, "--duration", "0.5", "--json", "-")
        told = json.loads(host_cli.run(capsys, *words)[1])
    assert told["steps"] > 0 and told["detections"][0]["label"] == "left" and told["lost"]["events"] == 0


def test_monitor_log_has_events_as_lines_and_is_turned_over(capsys, board, audio, tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    words = ("monitor", "--port", board.url, "--wav", audio / "left/word.wav", "--log", path)
    assert host_cli.run(capsys, *words)[0] == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["connected", "recording", "detection"]
    assert lines[2]["label"] == "left" and 0 < lines[2]["share"] <= 1 and lines[2]["time"].endswith("+00:00")
    log = event_log.EventLog(path, most_bytes=2000)
    for index in range(100):
        log.write("text", text="é" * index)
    log.close()
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        "events.jsonl",
        *(f"events.jsonl.{n}" for n in range(1, 6)),
    ]
    assert all(found.stat().st_size <= 2000 for found in tmp_path.iterdir())
    err = host_cli.fails_with_one_line(capsys, *words[:-1], "/no/such/events.jsonl")
    assert "cannot write /no/such/events.jsonl" in err


def test_monitor_on_a_terminal_draws_level_spectrogram_posteriors_and_detections(bundle):
    """As rich draws it; what a terminal makes of that is looked at by eye."""
    console = Console(record=True, width=100, height=36, file=io.StringIO(), color_system="truecolor")
    pcm = clip_files.word()
    screen = MonitorScreen(INFO, bundle.labels, bundle, "/dev/ttyACM0", "tuned", 36)
    for step in Pipeline(bundle).run(pcm):
        screen.on_event(AudioHeard(0, pcm[320 * step.index :][:320].astype("<i2").tobytes()))
        top = step.top_label, step.top_smoothed_q15
        screen.on_event(StepRecord(step.index, 0, 0, 0, 0, *top, step.scores.tobytes(), step.features.tobytes()))
        if step.detection:
            screen.on_event(DetectionRecord(*dataclasses.astuple(step.detection)))
        smoothed, label = step.top_smoothed_q15 / 32768, bundle.labels[step.top_label]
    screen.on_losses(Losses(events=3))
    console.print(screen)
    text = console.export_text()
    assert len(text.splitlines()) <= 36 and "native  matchbox, engine aot, /dev/ttyACM0" in text
    assert re.search(rf"{label} .* {smoothed:.2f} ", text)  # the host's posteriors are the device's
    assert "1 detection " in text and re.search(r"0\.\d\d s +left", text) and "lost: 3 events" in text
    assert text.count("▀") == 49 * 12


def test_monitor_screen_of_a_model_that_nobody_knows_shows_scores():
    console = Console(record=True, width=60, file=io.StringIO())
    screen = MonitorScreen(INFO, ("a", "b"), None, "p")
    screen.on_event(StepRecord(0, 0, 0, 0, 0, 1, 9, bytes([128, 127]), b""))
    console.print(screen)
    text = console.export_text()
    assert "-128" in text and "127" in text and "▀" not in text


def test_monitor_without_audio_and_microphone_says_so(capsys, board):
    status, _, err = host_cli.run(capsys, "monitor", "--port", board.url, "--duration", "0.3")
    assert status == 2 and "native has no microphone: stream recordings to it" in err
