"""Emulated boards send what they hear bit for bit, and keep their detector's settings over a start."""

import dataclasses

import numpy as np
import pytest
from kws_host import detector_settings, project
from kws_host.compare import compare_run
from kws_host.target import Target, open_device
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import Config, SettingsOrigin

from tests.support import boards, clip_files, host_cli

pytestmark = pytest.mark.qemu
BOARD = "mps2_an386"


@pytest.fixture(scope="module")
def elf():
    boards.require_tools()
    return boards.build(BOARD)


def test_board_sends_what_its_microphone_heard_bit_for_bit(capsys, elf, tmp_path):
    pcm = np.concatenate([clip_files.word() + 500, clip_files.noise(1)]).astype(np.int16)
    clip_files.write_wav(tmp_path / "heard.wav", pcm)
    words = ("record", "--emulate", BOARD, "--elf", elf, "--heard", tmp_path / "heard.wav", "--keep-dc")
    status, _, err = host_cli.run(capsys, *words, "--duration", "1.99", "--out", tmp_path / "out.wav")
    assert status == 0, err
    assert np.array_equal(read_wav(tmp_path / "out.wav"), pcm[:31840])


def test_board_keeps_tuned_settings_over_a_start_and_detects_by_them_as_the_reference(elf, tmp_path):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    tuned = dataclasses.replace(bundle.detector, run_steps=3, smoothing_steps=9, threshold_q15=(20000,) * 12)
    tuned = dataclasses.replace(tuned, release_q15=(15000,) * 12)
    target = Target(emulate=BOARD, elf=elf, arguments=("settings", "kept.bin"), folder=tmp_path)
    with open_device(target) as device:
        assert detector_settings.held_by(device).origin == SettingsOrigin.GENERATED
        detector_settings.use(device, tuned, keep=True)
    with open_device(target) as device:
        held = detector_settings.held_by(device)
        assert (held.config, held.origin) == (tuned, SettingsOrigin.KEPT)
        device.configure(Config.FEATURES)
        run = device.run(clip_files.word())
    reference = Pipeline(bundle)
    reference.set_detector(tuned)
    comparison = compare_run(bundle, run, reference.run(clip_files.word()))
    assert comparison.mismatches == 0 and len(run.detections) == 1, comparison.first
