"""The float definition, its parameters, and the report of the integer front end's error."""

import json

import numpy as np
import pytest
import scipy.fft
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import dct_matrix, mel_matrix, mfcc_float
from kws_reference.frontend.integer import Mfcc
from kws_reference.frontend.report import report
from kws_reference.frontend.tables import ram_bytes

from tests.support.frontend_native import OTHER_CONFIGS, SPEECH_CONFIG, NativeStages
from tests.support.signals import hostile, speech_like, spoken_words


def test_frontend_float_equals_the_definition_written_out():
    pcm = speech_like(0.2)
    result = mfcc_float(pcm)
    assert result.shape == (18, 40)
    for frame in (0, 7, 17):
        x = np.zeros(512)
        x[:480] = pcm[frame * 160 : frame * 160 + 480] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480))
        magnitude = np.abs(np.fft.fft(x))[:257]
        edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 7600 / 700), 82)
        mel = 1127 * np.log(1 + np.arange(257) * 31.25 / 700)
        energy = []
        for b in range(80):
            rise, fall = (
                (mel - edges[b]) / (edges[b + 1] - edges[b]),
                (edges[b + 2] - mel) / (edges[b + 2] - edges[b + 1]),
            )
            energy.append(sum(max(0.0, min(rise[k], fall[k])) * magnitude[k] for k in range(1, 257)))
        expected = scipy.fft.dct(np.log2(np.maximum(energy, 1)), norm="ortho")[:40]
        # Sums in another order, on values up to 200.
        np.testing.assert_allclose(result[frame], expected, atol=1e-9)


def test_frontend_float_mel_matrix_equals_tensorflow():
    tf = pytest.importorskip("tensorflow", reason="needs tensorflow (extra `training`)")
    expected = tf.signal.linear_to_mel_weight_matrix(80, 257, 16000, 20.0, 7600.0, dtype=tf.float64).numpy()
    np.testing.assert_allclose(mel_matrix(FrontendConfig()), expected, atol=1e-12)  # float64 rounding only


def test_frontend_float_dct_is_orthonormal():
    matrix = dct_matrix(80, 80)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(80), atol=1e-12)  # float64 rounding only


def test_frontend_float32_is_close_to_float64():
    pcm = np.stack([speech_like(1.0, 1), speech_like(1.0, 2)])
    fast = mfcc_float(pcm, dtype=np.float32)
    assert fast.dtype == np.float32
    # float32 has 2^-24 relative; logarithms near the floor of 1 see it enlarged. A step of int8 is 0.02 or more.
    np.testing.assert_allclose(fast, mfcc_float(pcm), atol=2e-3)


def test_frontend_float_short_or_empty_input_gives_no_frames():
    assert mfcc_float(np.zeros(479)).shape == (0, 40)
    assert mfcc_float(np.zeros((3, 0))).shape == (3, 0, 40)
    assert mfcc_float(np.zeros((0, 480))).shape == (0, 1, 40)


def test_frontend_float_wrong_dtype_is_refused():
    with pytest.raises(KwsError, match="float16"):
        mfcc_float(np.zeros(480), dtype=np.float16)


# --- Parameters ------------------------------------------------------------------------------------------------------


def test_frontend_config_survives_json():
    for config in (SPEECH_CONFIG, *OTHER_CONFIGS.values()):
        assert FrontendConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "microfrontend"),
        ("sample_rate_hz", 0),
        ("sample_rate_hz", 16000.0),
        ("window_samples", 513),
        ("window_samples", True),
        ("hop_samples", 481),
        ("hop_samples", 0),
        ("fft_size", 500),
        ("mel_bands", 81),
        ("mel_bands", 130),
        ("mel_low_hz", -1.0),
        ("mel_low_hz", 7600.0),
        ("mel_high_hz", 8000.1),
        ("mel_high_hz", float("nan")),
        ("coefficients", 81),
        ("coefficients", 39),
        ("feature_mean", []),
        ("feature_mean", [0.0] * 39),
        ("feature_mean", [1e9] * 40),
        ("feature_mean", ["x"] * 40),
        ("feature_std", [0.0] * 40),
        ("feature_std", [float("inf")] * 40),
        ("feature_std", None),
        ("feature_steps_per_std", 0),
    ],
)
def test_frontend_config_faulty_value_is_refused_by_name(key: str, value):
    values = SPEECH_CONFIG.to_dict()
    values[key] = value
    with pytest.raises(KwsError) as error:
        FrontendConfig.from_dict(values)
    assert "frontend" in str(error.value) and "\n" not in str(error.value)
    assert key in str(error.value) or (key, value) in (("coefficients", 39), ("mel_low_hz", 7600.0))


def test_frontend_config_missing_or_unknown_key_is_refused_by_name():
    values = SPEECH_CONFIG.to_dict()
    values["window"] = values.pop("window_samples")
    with pytest.raises(KwsError, match="window_samples.*window"):
        FrontendConfig.from_dict(values)
    with pytest.raises(KwsError, match="list"):
        FrontendConfig.from_dict([])


# --- Report ----------------------------------------------------------------------------------------------------------


def test_frontend_report_agrees_with_direct_measurement():
    clips = [speech_like(1.0, 1), np.zeros(100, np.int16), hostile()["sine_bin_64"]]
    result = report(iter(clips), SPEECH_CONFIG)
    steps = SPEECH_CONFIG.feature_steps_per_std / np.array(SPEECH_CONFIG.feature_std)
    error = np.abs(
        np.concatenate([(Mfcc(SPEECH_CONFIG).mfcc(clip) - mfcc_float(clip)) * steps for clip in (clips[0], clips[2])])
    )
    assert (result["clips"], result["frames"]) == (2, len(error))
    assert result["error_steps"]["max"] == pytest.approx(error.max())
    # The report's percentiles are those of a histogram with 1024 bins a step, up to 16 steps.
    assert result["error_steps"]["median"] == pytest.approx(np.median(error), abs=2 / 1024)
    assert result["error_steps"]["percentile_99_9"] == pytest.approx(min(16, np.percentile(error, 99.9)), abs=2 / 1024)
    assert result["error_steps_per_coefficient"]["mean_absolute"] == pytest.approx(error.mean(axis=0).tolist())
    assert 0 < result["int8_differs"] < 1
    json.dumps(result)


def test_frontend_report_sizes_equal_the_compiler():
    for config in (SPEECH_CONFIG, *OTHER_CONFIGS.values()):
        stages = NativeStages.build(config)
        assert 0 <= stages.library.frontend_bytes() - ram_bytes(config) <= 16  # 64-bit counter on the host


def test_frontend_report_without_audio_is_refused():
    with pytest.raises(KwsError, match="480"):
        report([np.zeros(479, np.int16)], SPEECH_CONFIG)


def test_frontend_report_on_spoken_words_meets_the_goal():
    files, source = spoken_words(200)
    if not files:
        pytest.skip(source)
    error = report((read_wav(file) for file in files), SPEECH_CONFIG)["error_steps"]
    # The goal: a rounding to int8 that differs must be rare, and never by more than one step.
    assert error["median"] < 0.02 and error["percentile_99_9"] < 0.5 and error["max"] < 1.5, error
