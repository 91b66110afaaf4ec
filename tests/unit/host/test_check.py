"""`kws-host` against the whole firmware on the native board: agreement, planted faults, all that goes wrong."""

import dataclasses
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from kws_host import benchmark, bulk, bulk_run, cli, clips, heard, project, reference_run, report
from kws_host.device import Device
from kws_host.emulator import qemu
from kws_host.frame import Frame, FrameDecoder
from kws_host.heard import heard_step
from kws_host.link import Link
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import MessageType, StepRecord
from kws_reference.system.file_names import original
from kws_reference.timing import StepClock

from tests.support import clip_files, faults, firmware
from tests.support.models import GraphBuilder


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    clip_files.write_wav(folder / "yes/clicks.wav", clip_files.clicks())
    clip_files.write_wav(folder / "no/noise.wav", clip_files.noise(1))
    clip_files.write_wav(folder / "bird/chirp.wav", clip_files.chirp())
    clip_files.write_wav(folder / "stop/word.wav", clip_files.word())
    clip_files.write_wav(folder / "_background_noise_/long.wav", clip_files.noise(2))
    return folder


@pytest.fixture(scope="module")
def program():
    return firmware.real_firmware()


@pytest.fixture(scope="module")
def board(program):
    with firmware.running(program) as board:
        yield board


def _main(capsys, *words: object) -> tuple[int, str, str]:
    status = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def _fails_with_one_line(capsys, *words: object) -> str:
    start = time.monotonic()
    status, _, err = _main(capsys, *words)
    assert status == 2
    assert err.startswith("error: ") and err.count("\n") == 1 and "Traceback" not in err
    assert time.monotonic() - start < 20
    return err


# --- agreement ---


def long_step(folder) -> Bundle:
    """A model whose step is longer than the second up to which recordings are filled: 100 frames, 1020 ms."""
    builder = GraphBuilder(1)
    x = builder.average("mean", builder.input("features", (1, 100, 1, 4), 1 / 32), 100)
    builder.scores(builder.dense("scores", x, 4))
    return builder.write(folder)


def test_check_and_evaluate_nothing_but_recordings_shorter_than_a_step_are_refused(capsys, audio, tmp_path):
    """The reference has no integer for them: a check of them would pass whatever the device does."""
    bundle = long_step(tmp_path / "bundle")
    for command in (["check", audio / "no/noise.wav", "--port", "none"], ["evaluate", audio, "--elf", __file__]):
        err = _fails_with_one_line(capsys, *command, "--bundle", bundle.path)
        assert "shorter than the model's first step of 1020 ms" in err
    second, longer = np.zeros(16000, np.int16), np.zeros(16320, np.int16)
    assert "1 of 2 recordings are shorter" in heard.notes(bundle, [second, longer])[-1]
    assert not any("shorter" in note for note in heard.notes(bundle, [longer]))


def test_check_right_firmware_agrees_in_every_integer(capsys, board, audio, tmp_path):
    result, junit = tmp_path / "result.json", tmp_path / "junit.xml"
    status, out, err = _main(capsys, "check", audio, "--port", board.url, "--json", result, "--junit", junit)
    assert (status, err) == (0, "")
    assert re.search(r"^no/noise.wav +no +\S+ +\S+.* +49 +0$", out, re.MULTILINE)
    assert "4 clips, 196 steps, 19,012 integers from PCM to detection: 0 mismatches" in out
    data = json.loads(result.read_text())
    names = ["bird/chirp.wav", "no/noise.wav", "stop/word.wav", "yes/clicks.wav"]
    assert [clip["clip"] for clip in data["clips"]] == names
    assert [clip["expected"] for clip in data["clips"]] == ["_unknown_", "no", "stop", "yes"]
    assert [len(clip["detected"]) for clip in data["clips"]] == [0, 0, 1, 0]  # detections are compared, too
    assert data["summary"]["integers"] == 196 * (1 + 80 + 12 + 2 + 2) and data["summary"]["mismatches"] == 0
    assert data["device"]["board"] == "native"
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")


def test_check_json_to_stdout_prints_nothing_else(capsys, board, audio):
    status, out, _ = _main(capsys, "check", audio / "no", "--port", board.url, "--json", "-")
    assert status == 0 and json.loads(out)["summary"]["clips"] == 1


def test_check_labels_from_csv_replace_folders(capsys, board, audio, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,label\nnoise.wav,stop\nyes/clicks.wav,_silence_\n")
    _, out, _ = _main(capsys, "check", audio, "--port", board.url, "--labels", table, "--json", "-")
    assert [clip["expected"] for clip in json.loads(out)["clips"]] == ["_unknown_", "stop", "stop", "_silence_"]


def test_check_port_from_environment(capsys, board, audio, monkeypatch):
    monkeypatch.setenv("KWS_PORT", board.url)
    assert _main(capsys, "check", audio / "yes")[0] == 0


def test_check_labels_of_files_that_are_not_there_are_refused(capsys, audio, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("noise.wav,stop\nyes/click.wav,yes\nother.wav,no\n")
    err = _fails_with_one_line(capsys, "check", audio, "--port", "socket://127.0.0.1:1", "--labels", table)
    assert "no recording is called 'yes/click.wav' (2 of 3 rows match none)" in err
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    table.write_text("no/noise.wav,stop\nclicks.wav,yes\n")
    assert len(clips.find([audio], bundle, labels_csv=table, limit=1)) == 1  # all of them are known, drawn or not


def test_check_emulate_and_port_together_are_refused(capsys, audio, monkeypatch):
    words = ["info", "--emulate", "mps2_an386", "--elf", "/no/such.elf"]
    err = _fails_with_one_line(capsys, *words, "--port", "/dev/ttyACM0")
    assert "name two devices: give one" in err
    monkeypatch.setenv("KWS_PORT", "/dev/ttyACM0")  # only a default
    assert "no firmware at /no/such.elf" in _fails_with_one_line(capsys, *words)


@pytest.fixture
def fake_qemu(tmp_path, monkeypatch):
    """Makes a program in the place of QEMU that takes one connection, if any, and then runs the given shell text."""

    def make(then: str) -> Path:
        path = tmp_path / "fake-qemu"
        path.write_text(
            f"#!{sys.executable}\n"
            "import os, re, socket, sys\n"
            "match = re.search(r'port=(\\d+)', ' '.join(sys.argv))\n"
            "if match:\n"
            "    server = socket.create_server(('127.0.0.1', int(match[1])))\n"
            "    connection = server.accept()[0]\n"
            f"os.execv('/bin/sh', ['sh', '-c', {then!r}])\n"
        )
        path.chmod(0o755)
        monkeypatch.setenv("KWS_QEMU", str(path))
        (tmp_path / "firmware.elf").write_bytes(b"")
        return tmp_path / "firmware.elf"

    return make


def test_emulate_firmware_that_locks_up_gives_qemus_reason(capsys, fake_qemu):
    elf = fake_qemu("echo 'qemu: fatal: Lockup: no vector table' >&2; echo >&2; echo R00=0 R01=0 >&2; exit 6")
    err = _fails_with_one_line(capsys, "info", "--emulate", "mps2_an386_tflm", "--elf", elf)
    assert f"ended with status 6: qemu: fatal: Lockup: no vector table. Is {elf} the right firmware?" in err


def test_evaluate_first_failure_ends_all_emulators_at_once(capsys, fake_qemu, audio, tmp_path, monkeypatch):
    # The first emulator fails, every other one would run for a minute.
    marker = tmp_path / "first"
    text = f"if mkdir {marker}; then sleep 1; echo 'qemu: fatal: Lockup' >&2; echo R00=0 >&2; exit 6; fi; exec sleep 60"
    elf = fake_qemu(text)
    monkeypatch.setattr(bulk_run, "RECORDINGS_PER_RUN", 1)
    monkeypatch.setattr(reference_run, "run", lambda *_, **__: ([], False))
    words = ["evaluate", audio, "--board", "mps2_an386_tflm", "--elf", elf, "--jobs", "2", "--no-cache"]
    err = _fails_with_one_line(capsys, *words)
    assert "the firmware ended with status 6: qemu: fatal: Lockup" in err and "R00" not in err


def test_find_limit_draws_by_seed_and_keeps_the_order(tmp_path):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    for index in range(30):
        clip_files.write_wav(tmp_path / f"yes/{index:02d}.wav", np.zeros(10))
    names = [clip.name for clip in clips.find([tmp_path], bundle, limit=8, seed=3)]
    assert len(names) == 8 and names == sorted(names)
    assert names == [clip.name for clip in clips.find([tmp_path], bundle, limit=8, seed=3)]
    assert names != [clip.name for clip in clips.find([tmp_path], bundle, limit=8, seed=4)]
    assert len(clips.find([tmp_path], bundle)[0].read(bundle)) == 16000


def test_find_labels_by_the_first_folder_and_tells_what_is_left_out(tmp_path, capsys):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    taken = ["_unknown_/bed/1.wav", "No/a.WAV", "house/b.wav", "top.wav", "yes/anna/c.wav"]
    for name in (*taken, ".trash/d.wav", "_background_noise_/e/f.wav", "__MACOSX/yes/._c.wav"):
        clip_files.write_wav(tmp_path / name, np.zeros(10))
    (tmp_path / "yes/g.flac").touch()
    found = clips.find([tmp_path], bundle)
    assert {clip.name: clip.expected for clip in found} == {
        **{"_unknown_/bed/1.wav": "_unknown_", "No/a.WAV": "no", "house/b.wav": "_unknown_"},
        **{"top.wav": "", "yes/anna/c.wav": "yes"},
    }
    said = capsys.readouterr().err
    assert "hidden: 1 (.trash/)" in said and "macOS: 1 (__MACOSX/)" in said and "(yes/g.flac)" in said
    assert [clip.expected for clip in clips.find([tmp_path / "yes", tmp_path / "No/a.WAV"], bundle)] == ["yes", "no"]
    clip_files.write_wav(tmp_path / "yes/_unknown_/h.wav", np.zeros(10))
    assert [clip.expected for clip in clips.find([tmp_path / "yes"], bundle)] == ["_unknown_", "_unknown_"]
    unknown = tmp_path / "_unknown_"
    clip_files.write_wav(unknown / "i.wav", np.zeros(10))
    assert {clip.expected for clip in clips.find([unknown, unknown / "i.wav"], bundle)} == {"_unknown_"}
    assert clips.find([tmp_path / "house"], bundle)[0].expected == ""


def test_heard_step_of_a_long_recording_is_at_the_end_of_the_second_with_the_word():
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    word = clip_files.word()
    assert heard_step(bundle, word) == 48 and heard_step(bundle, word[:100]) == -1
    long = np.concatenate([np.zeros(20000, np.int16), word, np.zeros(30000, np.int16)])
    step = heard_step(bundle, long)
    assert bundle.labels[int(Pipeline(bundle).run(long)[step].scores.argmax())] == "stop"
    assert 62 + 48 - 30 <= step <= 62 + 48 + 30
    assert heard_step(bundle, long, "_silence_") == 48


def test_check_long_recording_is_heard_at_its_word(capsys, board, tmp_path):
    pcm = np.concatenate([clip_files.word(), np.zeros(32000, np.int16)])
    clip_files.write_wav(tmp_path / "stop/long.wav", pcm)
    status, out, _ = _main(capsys, "check", tmp_path, "--port", board.url)
    assert status == 0 and re.search(r"^stop/long.wav +stop +stop ", out, re.MULTILINE)
    assert "1 of 1 recordings are longer than a second: heard is what the model says at the end of the second" in out


# --- planted faults ---


def _check(capsys, url: str, audio: Path, *more: object) -> str:
    status, out, err = _main(capsys, "check", audio, "--port", url, *more)
    assert (status, err) == (1, "")
    assert "CHECK FAILED" in out
    return re.search(r"^MISMATCH .*$", out, re.MULTILINE).group(0)


def test_check_one_weight_bit_flipped_names_the_state_behind_it(capsys, audio, tmp_path):
    program = firmware.real_firmware(faults.flip_weight(tmp_path, "kBlock1PointwiseWeights", 1000, 7), "mutant_weight")
    with firmware.running(program) as board:
        line = _check(capsys, board.url, audio)
    # block1's output is the window, and so the state, of block2.
    assert re.search(r"clip \S+, step \d+, stage state block2: CRC: device 0x\w+, reference 0x\w+", line), line


def test_check_one_weight_bit_of_the_last_layer_names_scores(capsys, audio, tmp_path):
    program = firmware.real_firmware(faults.flip_weight(tmp_path, "kPoolDenseWeights", 640, 6), "mutant_dense")
    junit = tmp_path / "junit.xml"
    with firmware.running(program) as board:
        line = _check(capsys, board.url, audio, "--junit", junit)
    assert re.search(r"stage scores: label \S+: device -?\d+, reference -?\d+", line), line
    suite = ElementTree.parse(junit).getroot()
    assert suite.get("failures") == "1" and "stage scores" in suite.find("testcase/failure").get("message")


def test_check_one_window_coefficient_off_by_one_names_features(capsys, audio, tmp_path):
    program = firmware.real_firmware(faults.change_window(tmp_path), "mutant_window")
    with firmware.running(program) as board:
        line = _check(capsys, board.url, audio / "yes")
        assert re.search(r"stage features: frame [01] coefficient \d+: device -?\d+, reference -?\d+", line), line
        status, out, _ = _main(capsys, "check", audio, "--port", board.url, "--keep-going")
    assert status == 1 and "4 clips" in out and "not run" not in out


class DropOneByte:
    """Removes one byte of PCM from the stream of audio messages and moves the rest up."""

    def __init__(self, position: int):
        self._position = position
        self._decoder = FrameDecoder()
        self._carry = b""

    def __call__(self, data: bytes) -> bytes:
        out = b""
        for item in self._decoder.feed(data):
            if isinstance(item, Frame) and item.type == MessageType.AUDIO:
                offset = struct.unpack_from("<I", item.payload)[0]
                pcm = item.payload[4:]
                if offset <= self._position < offset + len(pcm):
                    cut = self._position - offset
                    pcm = pcm[:cut] + pcm[cut + 1 :] + b"\0"
                item = Frame(item.type, item.seq, item.payload[:4] + pcm)
            if isinstance(item, Frame):
                out += item.encode()
        return out


def test_check_one_byte_of_audio_dropped_names_audio(capsys, board, audio):
    # The rest of a message moves up by a byte: what a driver that loses a byte before framing would do.
    with firmware.proxy(board.port, to_device=DropOneByte(9001)) as wire:
        line = _check(capsys, wire.url, audio / "no")
    # Byte 9001 is in sample 4500, first heard by frame 26, which ends at sample 4640: step 13.
    assert re.search(r"clip noise.wav, step 13, stage audio: CRC of the PCM: device 0x\w+, reference 0x\w+", line), line


def test_check_top_label_wrong_names_detection(capsys, board, audio):
    decoder = FrameDecoder()

    def spoil(data: bytes) -> bytes:
        out = b""
        for item in decoder.feed(data):
            if isinstance(item, Frame) and item.type == MessageType.STEP:
                step = StepRecord.decode(item.payload)
                if step.step == quiet:
                    item = Frame(item.type, item.seq, dataclasses.replace(step, **change).encode())
            out += item.encode() if isinstance(item, Frame) else b""
        return out

    bundle = Bundle.load(project.RELEASED_BUNDLE)
    reference = Pipeline(bundle).run(clip_files.word())
    quiet = 1 + next(step.index for step in reference if step.detection)  # no event: in the refractory period
    right = reference[quiet].top_label, reference[quiet].top_smoothed_q15
    with firmware.proxy(board.port, to_host=spoil) as wire:
        for label, smoothed in ((right[0], right[1] + 1), (0, right[1])):
            change = {"top_label": label, "top_smoothed_q15": smoothed}
            line = _check(capsys, wire.url, audio / "stop")
            expected = f"{bundle.labels[right[0]]} at {right[1]}/32768"
            assert f"step {quiet}, stage detection: top label: device {bundle.labels[label]} at {smoothed}" in line
            assert line.endswith(f"reference {expected}")


def test_check_damaged_wire_still_agrees(capsys, board, audio):
    with firmware.proxy(board.port, to_host=firmware.noise(5, 20000), to_device=firmware.noise(6, 20000)) as wire:
        status, out, err = _main(capsys, "check", audio, "--port", wire.url, "--timeout", "0.3")
    assert (status, err) == (0, "")
    assert "0 mismatches" in out


# --- what goes wrong ---


def test_check_other_model_on_the_device_is_refused(capsys, audio):
    with firmware.running(firmware.fake_firmware()) as board:
        err = _fails_with_one_line(capsys, "check", audio, "--port", board.url)
    assert "the device runs model fake" in err


def test_check_bundle_with_one_byte_changed_is_refused(capsys, board, audio, tmp_path):
    shutil.copytree(project.RELEASED_BUNDLE, tmp_path / "bundle")
    model = tmp_path / "bundle/model.tflite"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    err = _fails_with_one_line(capsys, "check", audio, "--port", board.url, "--bundle", tmp_path / "bundle")
    assert "SHA-256" in err


def test_check_text_file_as_wav_is_refused_before_the_device_is_asked(capsys, tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes/a.wav").write_text("this is not audio\n" * 50)
    err = _fails_with_one_line(capsys, "check", tmp_path, "--port", "socket://127.0.0.1:1")
    assert "a.wav" in err


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt "])
def test_check_broken_wav_is_refused(capsys, board, tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    assert "a.wav" in _fails_with_one_line(capsys, "check", tmp_path / "a.wav", "--port", board.url)


def test_check_device_killed_in_the_middle_ends_with_one_line(capsys, program, audio, tmp_path):
    clip_files.write_wav(tmp_path / "long.wav", np.tile(clip_files.noise(3), 600))
    with firmware.running(program) as board:
        killer = threading.Timer(1.0, board.process.kill)
        killer.start()
        err = _fails_with_one_line(capsys, "check", tmp_path / "long.wav", "--port", board.url, "--timeout", "0.5")
        killer.join()
    assert "connection broke" in err or "stopped answering" in err


def test_check_device_that_hangs_in_the_middle_ends_with_one_line(capsys, program, audio, tmp_path):
    clip_files.write_wav(tmp_path / "long.wav", np.tile(clip_files.noise(3), 600))
    with firmware.running(program) as board:
        stopper = threading.Timer(1.0, board.process.send_signal, [19])  # SIGSTOP
        stopper.start()
        err = _fails_with_one_line(capsys, "check", tmp_path / "long.wav", "--port", board.url, "--timeout", "0.5")
        stopper.join()
    assert "stopped answering" in err


def test_check_device_that_restarts_in_the_middle_ends_with_one_line(capsys, board, audio):
    state = {"count": 0}

    def restart_once(data: bytes) -> bytes:
        state["count"] += 1
        if state["count"] == 12:
            return data + Frame(MessageType.TEST_FAULT, 1, struct.pack("<I", 0x544C4146)).encode()
        return data

    with firmware.proxy(board.port, to_device=restart_once) as wire:
        err = _fails_with_one_line(capsys, "check", audio, "--port", wire.url)
    assert "the device faulted: HardFault" in err


def test_check_two_hosts_at_once_are_told_apart(capsys, board, audio):
    with Link(board.url) as link:
        Device(link)
        err = _fails_with_one_line(capsys, "check", audio, "--port", board.url, "--timeout", "0.3")
    assert "in use by another program" in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["info"], "give --port"),
        (["info", "--port", "/dev/kws-none"], "no port /dev/kws-none"),
        (["info", "--port", "socket://127.0.0.1:1"], "nobody listens"),
        (["info", "--port", "socket://127.0.0.1:1", "--timeout", "0"], "--timeout must be positive"),
        (["info", "--emulate", "nonsense"], "unknown board 'nonsense'"),
        (["info", "--emulate", "mps2_an386", "--elf", "/no/such.elf"], "no firmware at /no/such.elf"),
        (["check", "/no/such/folder", "--port", "x"], "no such file or folder: /no/such/folder"),
        (["check", ".", "--bundle", "/no/bundle", "--port", "x"], "no bundle folder at /no/bundle"),
        (["monitor", "--wav", "/no/such.wav"], "/no/such.wav"),
        (["bench", "--steps", "1"], "--steps must be at least 2"),
        (["evaluate", "/no/such/folder", "--jobs", "0"], "--jobs must be at least 1"),
        (["evaluate", "/no/such/folder", "--elf", "/no/such.elf"], "no firmware at /no/such.elf"),
        (["emulate", "--stop", "--tcp-port", "1"], "no emulator of ours runs on port 1"),
    ],
)
def test_cli_wrong_usage_gives_one_line(capsys, monkeypatch, words, text):
    monkeypatch.delenv("KWS_PORT", raising=False)
    assert text in _fails_with_one_line(capsys, *words)


def test_cli_emulate_on_an_occupied_port_gives_one_line(capsys, tmp_path):
    (tmp_path / "firmware.elf").write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        err = _fails_with_one_line(capsys, "emulate", "--elf", tmp_path / "firmware.elf", "--tcp-port", port)
    assert f"TCP port {port} is in use" in err


def test_cli_traceback_only_with_vv(capsys):
    status, _, err = _main(capsys, "-vv", "info", "--port", "socket://127.0.0.1:1")
    assert status == 2 and "Traceback" in err


# --- the other subcommands ---


def test_info_prints_and_writes_json(capsys, board):
    status, out, _ = _main(capsys, "info", "--port", board.url)
    assert status == 0 and re.search(r"^board +native$", out, re.MULTILINE)
    data = json.loads(_main(capsys, "info", "--port", board.url, "--json", "-")[1])
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    assert data["labels"] == list(bundle.labels)
    assert data["states"] == [state.name for state in bundle.states]
    assert data["info"]["model_sha256"] == bundle.model_sha256


def test_bench_gives_stages_layers_and_memory(capsys, board, audio):
    status, out, _ = _main(capsys, "bench", "--port", board.url, "--steps", "20")
    assert status == 0 and "engine states" in out and "front end per frame" in out
    data = json.loads(_main(capsys, "bench", "--port", board.url, "--wav", audio / "no/noise.wav", "--json", "-")[1])
    assert data["steps"] == 49 and len(data["layers"]) > 5
    assert all(layer["mean"] > 0 for layer in data["layers"])
    assert data["stages"]["step"]["min"] <= data["stages"]["step"]["mean"] <= data["stages"]["step"]["max"]


@pytest.mark.parametrize(("engine_ticks", "steps"), [(2**20, 50), (2**30, 2), (2**31 + 5, 1)])
def test_bench_layers_take_no_more_steps_than_their_sums_hold(engine_ticks, steps):
    records = [SimpleNamespace(engine_ticks=ticks) for ticks in (engine_ticks, 1000)]
    part = benchmark._part_for_layers(StepClock(16000, 480, 160, 2), np.zeros(480 + 99 * 160, np.int16), records)
    assert len(part) == 480 + (2 * steps - 1) * 160


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
        assert "no counter" in _fails_with_one_line(capsys, "bench", "--port", wire.url)


def test_monitor_counts_steps_and_prints_the_detections_of_the_reference(capsys, board, audio):
    status, out, err = _main(capsys, "monitor", "--port", board.url, "--wav", audio / "stop/word.wav")
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
        _, out, _ = _main(capsys, "monitor", "--port", wire.url, "--wav", audio / "no/noise.wav")
    assert out.startswith("> clock trimmed\n> ready\n")


def test_monitor_without_audio_ends_after_its_duration(capsys, board):
    start = time.monotonic()
    status, _, err = _main(capsys, "monitor", "--port", board.url, "--duration", "0.3")
    assert status == 0 and "0 steps" in err and time.monotonic() - start < 5


# --- names of files, readers that go away, full disks ---

NAMES = [
    b"caf\xe9.wav",
    b"new\nline.wav",
    b'quo"te <&>.wav',
    b"\x1b[31mred.wav",
    "\u202ertl.wav".encode(),
    "日本😀.wav".encode(),
    b"back\\x41slash.wav",
]


@pytest.fixture(scope="module")
def odd_names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    clip_files.write_wav(folder / "plain.wav", clip_files.chirp())
    for name in NAMES:
        shutil.copy(folder / "plain.wav", os.path.join(os.fsencode(folder), name))
    (folder / "plain.wav").unlink()
    return folder


def _kws_host(*words: object, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "kws_host.cli", *(os.fsencode(str(word)) for word in words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_check_of_any_file_names_ends_with_whole_reports(board, odd_names, tmp_path, encoding):
    result, junit = tmp_path / "report.json", tmp_path / "junit.xml"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    words = ["check", odd_names, "--port", board.url]
    process = _kws_host(*words, "--json", result, "--junit", junit, env=environment)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"")
    rows = out.decode(encoding).splitlines()
    assert len(rows) == 2 + len(NAMES) + 1 and not any("\x1b" in row or "\u202e" in row for row in rows)
    clips_of = lambda text: [os.fsencode(original(clip["clip"])) for clip in json.loads(text)["clips"]]  # noqa: E731
    assert sorted(clips_of(result.read_bytes().decode("utf-8"))) == sorted(NAMES)
    cases = ElementTree.parse(junit).getroot().findall("testcase")
    assert len({case.get("name") for case in cases}) == len(NAMES)
    process = _kws_host(*words, "--limit", "2", "--json", "-", env=environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and b"rror" not in err  # on a slow machine: progress
    assert set(clips_of(out.decode(encoding))) < set(NAMES)


def test_find_labels_of_odd_names_are_found_as_bytes_and_as_shown(odd_names, tmp_path):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    table = tmp_path / "labels.csv"
    lines = [b"caf\xe9.wav,yes", rb"\u001b[31mred.wav,no", b"back\\x41slash.wav,go", rb'"\u202ertl.wav",up']
    table.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))  # as a spreadsheet writes it
    found = {clip.name: clip.expected for clip in clips.find([odd_names], bundle, labels_csv=table)}
    wanted = {r"caf\xe9.wav": "yes", r"\u001b[31mred.wav": "no", r"back\\x41slash.wav": "go", r"\u202ertl.wav": "up"}
    assert {name: label for name, label in found.items() if label} == wanted


def test_check_error_about_an_odd_name_shows_it_in_one_printable_line(capsys, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\x1b[2J\xff\n.wav")
    Path(os.fsdecode(path)).write_bytes(b"text")
    assert cli.main(["check", os.fsdecode(path), "--port", "socket://127.0.0.1:1"]) == 2
    err = capsys.readouterr().err
    assert r"\u001b[2J\xff .wav: not a WAV file" in err and err.rstrip("\n").isprintable()


def test_check_reader_that_goes_away_costs_no_report(board, odd_names, tmp_path):
    result = tmp_path / "report.json"
    process = _kws_host("check", odd_names, "--port", board.url, "--json", result)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=120) == 0 and b"rror" not in process.stderr.read()  # on a slow machine: progress
    assert len(json.loads(result.read_text())["clips"]) == len(NAMES)
    process = _kws_host("check", odd_names, "--port", board.url)  # no report: nobody wants the rest
    process.stdout.close()
    assert process.wait(timeout=120) == 2 and process.stderr.read() == b""


def test_check_output_onto_a_full_disk_is_one_line(board, odd_names):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-m", "kws_host.cli", "check", str(odd_names), "--port", board.url, "--json"]
    with open("/dev/full", "wb") as full:
        result = subprocess.run([*command, "-"], stdout=full, stderr=subprocess.PIPE, timeout=120)
    assert result.returncode == 2 and result.stderr.count(b"\n") == 1 and b"No space left on device" in result.stderr
    result = subprocess.run([*command, "/dev/full"], capture_output=True, timeout=120)
    assert result.returncode == 2 and b"cannot write /dev/full: No space left on device" in result.stderr


def test_check_report_that_cannot_be_written_is_told_before_the_work(capsys, audio, tmp_path):
    words = ["check", audio, "--port", "socket://127.0.0.1:1"]  # nobody answers there
    assert "it is a folder" in _fails_with_one_line(capsys, *words, "--json", tmp_path)
    assert "no folder" in _fails_with_one_line(capsys, *words, "--junit", tmp_path / "absent/junit.xml")


def test_write_json_that_fails_leaves_the_earlier_report(tmp_path, monkeypatch):
    target = tmp_path / "report.json"
    report.write_json(str(target), {"run": 1})
    (tmp_path / "link.json").symlink_to(target)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(report.os, "replace", full)
        with pytest.raises(KwsError, match="No space left"):
            report.write_json(str(target), {"run": 2})
    assert json.loads(target.read_text()) == {"run": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "report.json"]
    report.write_json(str(tmp_path / "link.json"), {"run": 3})
    assert json.loads(target.read_text()) == {"run": 3} and (tmp_path / "link.json").is_symlink()


def test_check_recording_from_a_pipe_of_unknown_length_is_read(capsys, board, audio, tmp_path):
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    data = bytearray((audio / "stop/word.wav").read_bytes())
    data[40:44] = b"\x00\xf0\xff\x7f"
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    status, out, _ = _main(capsys, "check", pipe, "--port", board.url, "--json", "-")
    writer.join()
    assert status == 0 and json.loads(out)["summary"]["steps"] == 49


def test_check_looped_word_is_raised_once_until_it_has_fallen(capsys, board, tmp_path):
    loop = np.resize(clip_files.spoken("on/awb.wav"), 5 * 16000)  # its score never falls far
    clip_files.write_wav(tmp_path / "on/loop.wav", np.concatenate([loop, np.zeros(24000, np.int16), loop]))
    status, out, _ = _main(capsys, "check", tmp_path, "--port", board.url, "--json", "-")
    (clip,) = json.loads(out)["clips"]
    assert status == 0 and [event.split("@")[0] for event in clip["detected"]] == ["on", "on"]
    assert [float(event.split("@")[1][:-1]) // 6.5 for event in clip["detected"]] == [0, 1]


# --- evaluate ---


@pytest.fixture
def native_device(program, monkeypatch):
    """Runs the native firmware where `evaluate` would start emulators."""

    def run_once(board, bundle, audio, emulators):
        folder = Path(native_folder.name) / str(len(list(Path(native_folder.name).iterdir())))
        folder.mkdir()
        (folder / "in.bin").write_bytes(bulk.encode_input(audio))
        subprocess.run([program, "--command-line", "bulk in.bin out.bin"], cwd=folder, check=True, timeout=60)
        return bulk.decode_output((folder / "out.bin").read_bytes(), bundle, len(audio))

    import tempfile

    with tempfile.TemporaryDirectory() as name:
        native_folder = type("Folder", (), {"name": name})
        monkeypatch.setattr(bulk_run, "run_once", run_once)
        monkeypatch.setattr(qemu, "command_line", lambda config: [])
        yield


def test_evaluate_agrees_clip_by_clip_and_caches_the_reference(capsys, native_device, audio, tmp_path):
    words = ["evaluate", audio, "--elf", "native", "--jobs", "1", "--cache", tmp_path, "--json", tmp_path / "a.json"]
    status, out, _ = _main(capsys, *words)
    assert status == 0
    assert "4 of 4 clips agree with Python in every feature frame, score and detection of 196 steps" in out
    first = json.loads((tmp_path / "a.json").read_text())
    assert first["accuracy_on_device"] == first["accuracy_in_python"] and not first["reference_cached"]
    _main(capsys, *words)
    second = json.loads((tmp_path / "a.json").read_text())
    assert second["reference_cached"] and second["confusion"] == first["confusion"]
    (cache,) = tmp_path.glob("reference-*.npz")
    cache.write_bytes(cache.read_bytes()[:100])
    status, _, err = _main(capsys, *words)
    assert status == 0 and "computed anew" in err


def test_evaluate_names_every_clip_that_differs(capsys, native_device, audio, tmp_path, monkeypatch):
    right = bulk_run.run_once

    def wrong(*arguments):
        results = right(*arguments)
        results[1].scores[7, 3] ^= 1
        return results

    monkeypatch.setattr(bulk_run, "run_once", wrong)
    status, out, _ = _main(capsys, "evaluate", audio, "--elf", "native", "--jobs", "1", "--no-cache")
    assert status == 1
    assert "DIFFERS clip no/noise.wav, step 7, stage scores" in out
    assert "3 of 4 clips agree" in out


@pytest.mark.parametrize("cut", [0, 10, 47, 60, -1, -9])
def test_evaluate_cut_off_device_results_are_refused(native_device, cut):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    labels = len(bundle.labels)
    record = struct.pack("<I", 1) + bytes(4 + labels + 3)
    data = struct.pack("<4sIII", b"KWSR", 1, 2, labels) + bytes.fromhex(bundle.model_sha256)
    data += record * 2 + struct.pack("<4sI", b"KWSE", 2)
    assert len(bulk.decode_output(data, bundle, 2)) == 2
    with pytest.raises(KwsError):
        bulk.decode_output(data[:cut], bundle, 2)
    with pytest.raises(KwsError, match="not what this program reads"):
        bulk.decode_output(data, bundle, 3)
    with pytest.raises(KwsError, match="runs model 00000000"):
        bulk.decode_output(data[:16] + bytes(32) + data[48:], bundle, 2)
