"""`kws-host check` against the whole firmware on the native board: agreement, planted faults, all that goes wrong."""

import dataclasses
import json
import os
import re
import shutil
import signal
import struct
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from kws_host import project
from kws_host.device import Device
from kws_host.frame import Frame, FrameDecoder
from kws_host.link import Link
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import MessageType, StepRecord

from tests.support import clip_files, faults, firmware, host_cli

# --- agreement ---


def test_check_right_firmware_agrees_in_every_integer(capsys, board, audio, tmp_path):
    result, junit = tmp_path / "result.json", tmp_path / "junit.xml"
    status, out, err = host_cli.run(capsys, "check", audio, "--port", board.url, "--json", result, "--junit", junit)
    assert (status, err) == (0, "")
    assert re.search(r"^no/noise.wav +no +\S+ +\S+.* +49 +0$", out, re.MULTILINE)
    assert "4 clips, 196 steps, 19,012 integers from PCM to detection: 0 mismatches" in out
    data = json.loads(result.read_text())
    names = ["bird/chirp.wav", "left/word.wav", "no/noise.wav", "yes/clicks.wav"]
    assert [clip["clip"] for clip in data["clips"]] == names
    assert [clip["expected"] for clip in data["clips"]] == ["_unknown_", "left", "no", "yes"]
    assert [len(clip["detected"]) for clip in data["clips"]] == [0, 1, 0, 0]  # detections are compared, too
    assert data["summary"]["integers"] == 196 * (1 + 80 + 12 + 2 + 2) and data["summary"]["mismatches"] == 0
    assert data["device"]["board"] == "native"
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")


def test_check_json_to_stdout_prints_nothing_else(capsys, board, audio):
    status, out, _ = host_cli.run(capsys, "check", audio / "no", "--port", board.url, "--json", "-")
    assert status == 0 and json.loads(out)["summary"]["clips"] == 1


def test_check_labels_from_csv_replace_folders(capsys, board, audio, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,label\nnoise.wav,stop\nyes/clicks.wav,_silence_\n")
    _, out, _ = host_cli.run(capsys, "check", audio, "--port", board.url, "--labels", table, "--json", "-")
    assert [clip["expected"] for clip in json.loads(out)["clips"]] == ["_unknown_", "left", "stop", "_silence_"]


def test_check_port_from_environment(capsys, board, audio, monkeypatch):
    monkeypatch.setenv("KWS_PORT", board.url)
    assert host_cli.run(capsys, "check", audio / "yes")[0] == 0


def test_check_long_recording_is_heard_at_its_word(capsys, board, tmp_path):
    pcm = np.concatenate([clip_files.word(), np.zeros(32000, np.int16)])
    clip_files.write_wav(tmp_path / "left/long.wav", pcm)
    status, out, _ = host_cli.run(capsys, "check", tmp_path, "--port", board.url)
    assert status == 0 and re.search(r"^left/long.wav +left +left ", out, re.MULTILINE)
    assert "1 of 1 recordings are longer than a second: heard is what the model says at the end of the second" in out


# --- planted faults ---


def _check(capsys, url: str, audio: Path, *more: object) -> str:
    status, out, err = host_cli.run(capsys, "check", audio, "--port", url, *more)
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
        status, out, _ = host_cli.run(capsys, "check", audio, "--port", board.url, "--keep-going")
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
            line = _check(capsys, wire.url, audio / "left")
            expected = f"{bundle.labels[right[0]]} at {right[1]}/32768"
            assert f"step {quiet}, stage detection: top label: device {bundle.labels[label]} at {smoothed}" in line
            assert line.endswith(f"reference {expected}")


def test_check_damaged_wire_still_agrees(capsys, board, audio):
    with firmware.proxy(board.port, to_host=firmware.noise(5, 20000), to_device=firmware.noise(6, 20000)) as wire:
        status, out, err = host_cli.run(capsys, "check", audio, "--port", wire.url, "--timeout", "0.3")
    assert (status, err) == (0, "")
    assert "0 mismatches" in out


# --- what goes wrong ---


def test_check_other_model_on_the_device_is_refused(capsys, audio):
    with firmware.running(firmware.fake_firmware()) as board:
        err = host_cli.fails_with_one_line(capsys, "check", audio, "--port", board.url)
    assert "the device runs model fake" in err


def test_check_bundle_with_one_byte_changed_is_refused(capsys, board, audio, tmp_path):
    shutil.copytree(project.RELEASED_BUNDLE, tmp_path / "bundle")
    model = tmp_path / "bundle/model.tflite"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    err = host_cli.fails_with_one_line(capsys, "check", audio, "--port", board.url, "--bundle", tmp_path / "bundle")
    assert "SHA-256" in err


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt "])
def test_check_broken_wav_is_refused(capsys, board, tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    assert "a.wav" in host_cli.fails_with_one_line(capsys, "check", tmp_path / "a.wav", "--port", board.url)


def test_check_device_killed_in_the_middle_ends_with_one_line(capsys, program, audio, tmp_path):
    clip_files.write_wav(tmp_path / "long.wav", np.tile(clip_files.noise(3), 600))
    with (
        firmware.running(program) as board,
        firmware.proxy(board.port, to_device=firmware.in_the_middle(board.process.kill)) as wire,
    ):
        err = host_cli.fails_with_one_line(
            capsys, "check", tmp_path / "long.wav", "--port", wire.url, "--timeout", "0.5"
        )
    assert "connection broke" in err or "stopped answering" in err


def test_check_device_that_hangs_in_the_middle_ends_with_one_line(capsys, program, audio, tmp_path):
    clip_files.write_wav(tmp_path / "long.wav", np.tile(clip_files.noise(3), 600))
    with (
        firmware.running(program) as board,
        firmware.proxy(
            board.port, to_device=firmware.in_the_middle(lambda: board.process.send_signal(signal.SIGSTOP))
        ) as wire,
    ):
        err = host_cli.fails_with_one_line(
            capsys, "check", tmp_path / "long.wav", "--port", wire.url, "--timeout", "0.5"
        )
    assert "stopped answering" in err


def test_check_device_that_restarts_in_the_middle_ends_with_one_line(capsys, board, audio):
    state = {"count": 0}

    def restart_once(data: bytes) -> bytes:
        state["count"] += 1
        if state["count"] == 12:
            return data + Frame(MessageType.TEST_FAULT, 1, struct.pack("<I", 0x544C4146)).encode()
        return data

    with firmware.proxy(board.port, to_device=restart_once) as wire:
        err = host_cli.fails_with_one_line(capsys, "check", audio, "--port", wire.url)
    assert "the device faulted: HardFault" in err


def test_check_two_hosts_at_once_are_told_apart(capsys, board, audio):
    with Link(board.url) as link:
        Device(link)
        err = host_cli.fails_with_one_line(capsys, "check", audio, "--port", board.url, "--timeout", "0.3")
    assert "in use by another program" in err


def test_check_recording_from_a_pipe_of_unknown_length_is_read(capsys, board, audio, tmp_path):
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    data = bytearray((audio / "left/word.wav").read_bytes())
    data[40:44] = b"\x00\xf0\xff\x7f"
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    status, out, _ = host_cli.run(capsys, "check", pipe, "--port", board.url, "--json", "-")
    writer.join()
    assert status == 0 and json.loads(out)["summary"]["steps"] == 49


def test_check_looped_word_is_raised_once_until_it_has_fallen(capsys, board, tmp_path):
    loop = np.resize(clip_files.spoken("left/rms.wav"), 5 * 16000)  # its score never falls far
    clip_files.write_wav(tmp_path / "left/loop.wav", np.concatenate([loop, np.zeros(24000, np.int16), loop]))
    status, out, _ = host_cli.run(capsys, "check", tmp_path, "--port", board.url, "--json", "-")
    (clip,) = json.loads(out)["clips"]
    assert status == 0 and [event.split("@")[0] for event in clip["detected"]] == ["left", "left"]
    assert [float(event.split("@")[1][:-1]) // 6.5 for event in clip["detected"]] == [0, 1]
