"""Thresholds and smoothing without flashing: on the board, over a start, in the reference, in the bundle."""

import dataclasses
import json
import shutil
import zlib

import numpy as np
import pytest
from kws_host import detector_settings, project
from kws_host.device import Device
from kws_host.frame import Frame, FrameDecoder
from kws_host.link import Link
from kws_reference.bundle import NEVER_Q15, Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType, SettingsOrigin, SourceKind

from tests.support import clip_files, firmware, host_cli

WORDS = project.ROOT / "host/demo/words"
LOW = ("--threshold", "0.5", "--run", "4", "--smoothing", "7")


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(project.RELEASED_BUNDLE)


@pytest.fixture
def kept(program, tmp_path):
    """A board that keeps settings in a file. Calls give its running program anew."""
    return lambda: firmware.running(program, "settings kept.bin", tmp_path)


def _held(url: str) -> detector_settings.HeldSettings:
    with Link(url, timeout_s=5.0) as link:
        return detector_settings.held_by(Device(link))


def test_tune_without_settings_tells_the_bundles(capsys, board, bundle):
    status, out, err = host_cli.run(capsys, "tune", "--port", board.url, "--json", "-")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert told["before"] == told["after"] == {"origin": "generated", **bundle.detector.to_dict()}


def test_tune_new_settings_equal_the_reference_and_the_check_follows_them(capsys, program, tmp_path):
    clip_files.write_wav(tmp_path / "left/word.wav", clip_files.word())
    clip_files.write_wav(tmp_path / "yes/slt.wav", clip_files.spoken("yes/slt.wav"))
    with firmware.running(program) as board:
        status, out, _ = host_cli.run(capsys, "tune", tmp_path, "--port", board.url, *LOW, "--json", "-")
        told = json.loads(out)
        assert (status, told["mismatches"], told["after"]["origin"]) == (0, 0, "set")
        assert [clip["after"] for clip in told["clips"]] == [["left"], ["yes"]]
        assert told["clips"][1]["before"] == [] and told["labels"]["yes"]["heard_after"] == 1
        status, out, _ = host_cli.run(capsys, "check", tmp_path, "--port", board.url, "--json", "-")
        checked = json.loads(out)
        assert (status, checked["summary"]["mismatches"]) == (0, 0)
        assert checked["detector"] == told["after"]
        assert [bool(clip["detected"]) for clip in checked["clips"]] == [True, True]


def test_tune_kept_settings_outlast_a_start_until_they_are_forgotten(capsys, kept, bundle):
    with kept() as board:
        status, out, err = host_cli.run(capsys, "tune", "--port", board.url, "--threshold", "left=0.25", "--keep")
        assert (status, err) == (0, "") and "kept over a start" in out
        wanted = _held(board.url).config
        assert wanted.threshold_q15[bundle.labels.index("left")] == 8192
        with Link(board.url, timeout_s=5.0) as link:
            Device(link).restart()
        assert _held(board.url) == detector_settings.HeldSettings(wanted, SettingsOrigin.KEPT, 16)
        host_cli.run(capsys, "tune", "--port", board.url, "--run", "3")
        assert _held(board.url).origin == SettingsOrigin.SET
    with kept() as board:
        assert _held(board.url).config == wanted
        assert host_cli.run(capsys, "tune", "--port", board.url, "--forget")[0] == 0
        assert _held(board.url) == detector_settings.HeldSettings(bundle.detector, SettingsOrigin.GENERATED, 16)
    with kept() as board:
        assert _held(board.url).origin == SettingsOrigin.GENERATED


def test_tune_bare_threshold_switches_keywords_on_again_that_were_never_raised(capsys, program, bundle):
    with firmware.running(program) as board:
        assert host_cli.run(capsys, "tune", "--port", board.url, "--threshold", "never")[0] == 0
        assert set(_held(board.url).config.threshold_q15) == {NEVER_Q15}
        assert host_cli.run(capsys, "tune", "--port", board.url, "--threshold", "0.5")[0] == 0
        held = _held(board.url).config.threshold_q15
    assert [row for row, level in enumerate(held) if level == 16384] == list(bundle.labels.keyword_rows)


def test_tune_listen_shows_what_record_would_hear_and_ends_when_the_microphone_does(capsys, program, tmp_path):
    pcm = np.pad(clip_files.spoken("left/rms.wav"), (16000, 24000))
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        words = ("tune", "--port", board.url, "--duration", "60", "--keep-dc", "--timeout", "5")
        status, out, err = host_cli.run(capsys, *words)
    assert status == 0 and " s  left " in out and "has brought nothing" in err


def test_tune_listen_board_that_restarts_is_told(capsys, program, tmp_path):
    hello, seen = Frame(MessageType.HELLO, 0, messages.Hello(2, 0).encode()).encode(), []

    def restarts(data: bytes) -> bytes:
        seen.append(data)
        return data + hello * (b"".join(seen).count(b"\0") > 300 and not seen.clear())

    np.zeros(160000, "<i2").tofile(tmp_path / "heard.pcm")
    with (
        firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board,
        firmware.proxy(board.port, to_host=restarts) as wire,
    ):
        status, _, err = host_cli.run(capsys, "tune", "--port", wire.url, "--duration", "60", "--timeout", "5")
    assert status == 2 and "the device restarted" in err


@pytest.mark.parametrize("damage", ["bit", "cut", "longer", "other model"])
def test_tune_kept_settings_that_are_not_whole_or_of_another_model_are_not_used(kept, bundle, tmp_path, damage):
    with kept() as board, Link(board.url, timeout_s=5.0) as link:
        detector_settings.use(Device(link), dataclasses.replace(bundle.detector, run_steps=2), keep=True)
    path = tmp_path / "kept.bin"
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[40] ^= 1
    elif damage == "other model":
        data[4] ^= 1
        data[-4:] = np.array([zlib.crc32(data[:-4])], "<u4").tobytes()
    path.write_bytes({"cut": data[:-1], "longer": data + b"\0"}.get(damage, data))
    with kept() as board:
        assert _held(board.url).origin == SettingsOrigin.GENERATED


def test_tune_board_without_memory_for_settings_says_so_and_changes_nothing(capsys, board, bundle):
    err = host_cli.fails_with_one_line(capsys, "tune", "--port", board.url, "--run", "2", "--keep")
    assert "has no memory for settings" in err
    assert _held(board.url).config == bundle.detector


def test_tune_while_the_microphone_is_heard_holds_from_the_next_step_on(program, bundle, tmp_path):
    pcm = np.concatenate([clip_files.word()] * 20)
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    tuned = dataclasses.replace(bundle.detector, run_steps=3, threshold_q15=(9000,) * 12, release_q15=(32768,) * 12)
    seen, total = [], bundle.clock.steps_in(len(pcm))

    def steps() -> list[messages.StepRecord]:
        return [event for event in seen if isinstance(event, messages.StepRecord)]

    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        with Link(board.url, timeout_s=5.0) as link:
            device = Device(link, seen.append)
            device.set_source(messages.SetSource(SourceKind.MICROPHONE, remove_dc=0))
            while len(steps()) < 40:
                device.listen(0.005)
            detector_settings.use(device, tuned)
            before = len(steps())
            while len(steps()) < total:
                device.listen(0.1)
    assert 40 <= before < total
    reference = Pipeline(bundle)
    at = bundle.clock.samples_for(before)
    wanted = reference.push(pcm[:at])
    reference.set_detector(tuned)
    wanted += reference.push(pcm[at:])
    events = [event for event in seen if isinstance(event, messages.DetectionRecord)]
    assert [(step.top_label, step.top_smoothed_q15) for step in steps()] == [
        (step.top_label, step.top_smoothed_q15) for step in wanted
    ]
    assert [(event.step, event.label, event.smoothed_q15) for event in events] == [
        (step.index, step.detection.label, step.detection.smoothed_q15) for step in wanted if step.detection
    ]
    assert sum(event.step >= before for event in events) > sum(event.step < before for event in events) > 0


def test_tune_while_the_microphone_is_heard_keeps_and_forgets_nothing(capsys, program, bundle, tmp_path):
    clip_files.word().astype("<i2").tofile(tmp_path / "heard.pcm")
    tuned = dataclasses.replace(bundle.detector, run_steps=3)
    listens = messages.SetSource(SourceKind.MICROPHONE, remove_dc=0)
    with firmware.running(program, "microphone heard.pcm 1 0 1 settings kept.bin", tmp_path) as board:
        with Link(board.url, timeout_s=5.0) as link:
            device = Device(link)
            device.set_source(listens)
            detector_settings.forget(device)  # nothing is kept: nothing to write
            detector_settings.use(device, tuned)
        err = host_cli.fails_with_one_line(capsys, "tune", "--port", board.url, "--run", "5", "--keep")
        assert "hears its microphone" in err and "End what listens" in err
        assert _held(board.url) == detector_settings.HeldSettings(tuned, SettingsOrigin.SET, 16)
        assert not (tmp_path / "kept.bin").exists()
        with Link(board.url, timeout_s=5.0) as link:
            device = Device(link)
            device.set_source(messages.SetSource(SourceKind.HOST))
            detector_settings.use(device, tuned, keep=True)
            device.set_source(listens)
        assert "hears its microphone" in host_cli.fails_with_one_line(capsys, "tune", "--port", board.url, "--forget")
        assert _held(board.url) == detector_settings.HeldSettings(tuned, SettingsOrigin.KEPT, 16)


def test_tune_saved_settings_are_the_bundles_and_nothing_else_of_it_changes(capsys, program, bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(project.RELEASED_BUNDLE, folder, ignore=shutil.ignore_patterns("float"))
    with firmware.running(program) as board:
        words = ("tune", "--port", board.url, "--bundle", folder)
        assert host_cli.run(capsys, *words, "--threshold", "yes=0.5", "--save")[0] == 0
        saved = Bundle.load(folder)
        assert detector_settings.are_equal(saved.detector, _held(board.url).config)
        assert saved.detector.threshold_q15[2] == 16384 and saved.detector.release_q15[2] == 24085 * 16384 // 32113
        assert {**saved.manifest, "detector": 0} == {**bundle.manifest, "detector": 0}
        assert host_cli.run(capsys, *words, "--run", "1")[0] == 0
        assert host_cli.run(capsys, *words, "--from-bundle")[0] == 0
        assert detector_settings.are_equal(saved.detector, _held(board.url).config)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--threshold", "maybe=0.5"), "names no label of the model. Received: 'maybe=0.5'. Labels: _silence_,"),
        (("--threshold", "left=1.5"), "a posterior from 0 to 1 or 'never'. Received: 'left=1.5'"),
        (("--threshold", "nan"), "Received: 'nan'"),
        (("--smoothing", "17"), "has room for smoothing over 16 steps. Received: 17"),
        (("--smoothing", "0"), "smoothing_steps must be 1..255"),
        (("--run", "256"), "run_steps must be 1..255"),
        (("--refractory", "-1"), "refractory_steps 0..65535"),
        (("--release", "left=0.99"), "'left' is released below"),
        (("--threshold", "0.6", "--busy-threshold", "0.5"), "busy threshold of 'yes' is below"),
        (("--forget", "--run", "1"), "--forget takes the generated settings"),
        (("--duration", "0"), "--duration must be above 0"),
        (("--save",), "--save needs --bundle"),
        (("--run", "2", "--heard", "a.wav", "--emulate", "b"), "--heard is for --duration"),
        (("--duration", "1", "--gain", "99"), "--gain must be"),
        (("--duration", "inf"), "--duration must be above 0 and at most"),
        (("--threshold", "=0.5"), "names no label of the model"),
        (("--duration", "1"), "native has no microphone"),
    ],
)
def test_tune_wrong_settings_end_in_one_line_and_change_nothing(capsys, board, bundle, words, text):
    assert text in host_cli.fails_with_one_line(capsys, "tune", "--port", board.url, *words)
    assert _held(board.url).config == bundle.detector


@pytest.mark.parametrize(
    "change", [{"smoothing_steps": 0}, {"run_steps": 0}, {"levels": ()}, {"levels": (65535,) * 48}]
)
def test_tune_device_that_tells_what_cannot_be_is_refused_in_one_line(capsys, board, audio, change):
    decoder = FrameDecoder()

    def spoil(data: bytes) -> bytes:
        out = b""
        for item in decoder.feed(data):
            if isinstance(item, Frame) and item.type == MessageType.DETECTOR:
                told = messages.DetectorSettings.decode(item.payload)
                item = Frame(item.type, item.seq, dataclasses.replace(told, origin=9, **change).encode())
            out += item.encode() if isinstance(item, Frame) else b""
        return out

    with firmware.proxy(board.port, to_host=spoil) as wire:
        err = host_cli.fails_with_one_line(capsys, "check", audio / "yes", "--port", wire.url)
    assert "the settings of the detector of native cannot be" in err


def test_tune_firmware_from_before_is_told_and_still_checked(capsys, board, audio):
    """Its device knows no GET_DETECTOR: 0x0D becomes a type that nobody knows."""
    decoder = FrameDecoder()

    def older(data: bytes) -> bytes:
        frames = [item for item in decoder.feed(data) if isinstance(item, Frame)]
        return b"".join(
            dataclasses.replace(f, type=0x7E if f.type == MessageType.GET_DETECTOR else f.type).encode() for f in frames
        )

    with firmware.proxy(board.port, to_device=older) as wire:
        assert "is from before tuning" in host_cli.fails_with_one_line(capsys, "tune", "--port", wire.url, "--run", "2")
    with firmware.proxy(board.port, to_device=older) as wire:
        status, out, _ = host_cli.run(capsys, "check", audio / "yes", "--port", wire.url)
    assert status == 0 and "0 mismatches" in out
