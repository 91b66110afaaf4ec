"""Golden values of front end and detector: committed text, the reference, and the C++ must agree."""

import dataclasses

import numpy as np
import pytest
from kws_reference.detector.integer import Detector, DetectorTables
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.integer import Mfcc, log_mel_q10
from kws_reference.frontend.micro import Micro
from kws_reference.frontend.tables import LOG_OFFSET_Q10

from tests.support.frontend_native import MICRO_CONFIG, NativeStages
from tests.tools import make_vectors


def _frontend_vectors() -> tuple[FrontendConfig, np.ndarray, np.ndarray, np.ndarray]:
    lines = make_vectors.read_vectors(make_vectors.FOLDER / "frontend.txt")
    value = {word: values for word, values in lines if word not in ("pcm", "log_mel", "features")}
    rate, window, hop, fft = (int(v) for v in value["geometry"])
    bands, low, high, coefficients = (float(v) for v in value["mel"])
    config = FrontendConfig(
        sample_rate_hz=rate,
        window_samples=window,
        hop_samples=hop,
        fft_size=fft,
        mel_bands=int(bands),
        mel_low_hz=low,
        mel_high_hz=high,
        coefficients=int(coefficients),
        feature_mean=tuple(float(v) for v in value["mean"]),
        feature_std=tuple(float(v) for v in value["std"]),
        feature_steps_per_std=float(value["steps"][0]),
    )
    pcm = np.concatenate([np.array(values, int) for word, values in lines if word == "pcm"]).astype(np.int16)
    log_mel = np.array([[int(v) for v in values[1:]] for word, values in lines if word == "log_mel"])
    features = np.array([[int(v) for v in values[1:]] for word, values in lines if word == "features"])
    return config, pcm, log_mel, features


def test_frontend_vectors_equal_reference():
    config, pcm, log_mel, features = _frontend_vectors()
    mfcc = Mfcc(config)
    windows = np.lib.stride_tricks.sliding_window_view(pcm, config.window_samples)[:: config.hop_samples]
    np.testing.assert_array_equal(log_mel_q10(windows, mfcc.tables) - LOG_OFFSET_Q10, log_mel)
    np.testing.assert_array_equal(mfcc.frames(pcm), features)
    assert len(features) == make_vectors.FRAMES


def test_frontend_vectors_equal_native():
    config, pcm, _, features = _frontend_vectors()
    np.testing.assert_array_equal(NativeStages.build(config).frames(pcm), features)


def test_frontend_vectors_of_the_micro_front_end_equal_reference_and_native():
    lines = make_vectors.read_vectors(make_vectors.FOLDER / "frontend_micro.txt")
    integers = {
        word: [[int(v) for v in values] for found, values in lines if found == word]
        for word in ("pcm", "logs", "features")
    }
    assert {word: values[0] for word, values in lines if word not in integers} == {
        name: str(value) for name, value in MICRO_CONFIG.to_dict().items()
    }
    pcm = np.concatenate([np.array(values) for values in integers["pcm"]]).astype(np.int16)
    logs, features = np.array(integers["logs"])[:, 1:], np.array(integers["features"])[:, 1:]
    assert len(features) == make_vectors.FRAMES
    np.testing.assert_array_equal(Micro(MICRO_CONFIG).logs(pcm), logs)
    np.testing.assert_array_equal(Micro(MICRO_CONFIG).frames(pcm), features)
    np.testing.assert_array_equal(NativeStages.build(MICRO_CONFIG).frames(pcm), features)


@pytest.mark.parametrize("name", ["detector.txt", "detector_held.txt", "detector_quiet.txt"])
def test_detector_vectors_equal_reference_and_native(name):
    lines = make_vectors.read_vectors(make_vectors.FOLDER / name)
    value = {word: [int(v) for v in values] for word, values in lines}
    t = DetectorTables(
        exp_q15=np.array(value["exp_q15"], np.uint16),
        threshold_q15=np.array(value["threshold_q15"], np.uint16),
        smoothing_steps=value["smoothing_steps"][0],
        refractory_steps=value["refractory_steps"][0],
        release_q15=np.array(value["release_q15"], np.uint16),
        run_steps=value.get("run_steps", [1])[0],
        quiet_steps=value.get("quiet_steps", [0])[0],
        **{name: np.array(value[name], np.uint16) for name in ("quiet_q15", "busy_threshold_q15") if name in value},
    )
    scores = np.array([values for word, values in lines if word == "scores"], int).astype(np.int8)
    smoothed = np.array([values for word, values in lines if word == "smoothed"], int)
    events = [tuple(int(v) for v in values) for word, values in lines if word == "event"]
    assert len(events) >= 3
    detector = Detector(t)
    found = []
    for row, expected in zip(scores, smoothed, strict=True):
        event = detector.step(row)
        np.testing.assert_array_equal(detector.smoothed_q15, expected)
        found += [(event.step, event.label, event.smoothed_q15)] if event else []
    assert found == events
    native = NativeStages.build(FrontendConfig(), t).detect(scores)
    assert [step[1:4] for step in native if step[0]] == events
    assert [step[5] for step in native] == smoothed.max(axis=1).tolist()


def test_detector_vectors_of_held_labels_hold_some():
    held, free = (
        make_vectors.detector_held_text(),
        make_vectors._detector_text(
            dataclasses.replace(make_vectors.HOLDING_DETECTOR, release_q15=None), make_vectors.held_scores()
        ),
    )
    assert 6 <= held.count("\nevent ") < free.count("\nevent ")


def test_vectors_are_what_the_generator_writes():
    assert make_vectors.main(["--check"]) == 0


def test_vectors_check_finds_a_changed_value(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys):
    for name in make_vectors.FILES:
        text = (make_vectors.FOLDER / name).read_text()
        (tmp_path / name).write_text(text.replace(" 1 ", " 2 ", 1) if name == "frontend.txt" else text)
    monkeypatch.setattr(make_vectors, "FOLDER", tmp_path)
    assert make_vectors.main(["--check"]) == 1
    assert "frontend.txt" in capsys.readouterr().err
