"""What codegen renders of the front end and the detector."""

import dataclasses
import re

import numpy as np
import pytest
from kws_codegen.render import detector_config, frontend_tables
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.tables import tables_of

from tests.support.frontend_native import (
    DEFAULT_DETECTOR,
    HOLDING_DETECTOR,
    LOG_MEL_8K_CONFIG,
    LOG_MEL_CONFIG,
    OTHER_CONFIGS,
    QUIET_DETECTOR,
    SPEECH_CONFIG,
    generate,
)


@pytest.fixture(scope="module")
def bundle(bundle_path) -> Bundle:
    if not bundle_path.is_dir():
        pytest.skip(f"no released bundle at {bundle_path}")
    return Bundle.load(bundle_path)


def test_frontend_tables_scale_that_contradicts_the_steps_is_refused(bundle: Bundle):
    wrong = dataclasses.replace(bundle.features, scale=bundle.features.scale * 1.001)
    with pytest.raises(KwsError, match="feature_steps_per_std.*features.scale"):
        frontend_tables.context(dataclasses.replace(bundle, features=wrong))


def test_frontend_tables_zero_point_moves_the_offsets(bundle: Bundle):
    moved, t = (
        frontend_tables.context(
            dataclasses.replace(bundle, features=dataclasses.replace(bundle.features, zero_point=zero_point))
        )["t"]
        for zero_point in (3, 0)
    )
    steps = (moved.offset - t.offset) / 2.0 ** (32 + t.shift.astype(int))
    np.testing.assert_allclose(steps, 3, rtol=1e-9)  # offsets are rounded to a unit of 2^-32 or finer


def test_detector_config_holds_the_bundles_settings(bundle: Bundle):
    t = detector_config.context(bundle)["t"]
    assert t.threshold_q15.tolist() == list(bundle.detector.threshold_q15)
    assert t.release_q15.tolist() == list(bundle.detector.release_q15)
    assert (t.smoothing_steps, t.refractory_steps) == (
        bundle.detector.smoothing_steps,
        bundle.detector.refractory_steps,
    )
    expected = 32768 * np.exp(-np.arange(256) * bundle.scores.scale)
    assert np.abs(t.exp_q15 - expected).max() <= 0.5
    assert t.exp_q15[0] == 32768


@pytest.mark.parametrize(
    "detector", [DEFAULT_DETECTOR, HOLDING_DETECTOR, QUIET_DETECTOR], ids=["not held", "held", "quiet"]
)
def test_detector_config_source_holds_every_level(detector):
    folder = generate(SPEECH_CONFIG, detector)
    text = (folder / "detector_config.cc").read_text()
    for name, expected in {
        "kThresholdQ15": detector.threshold_q15,
        "kBusyThresholdQ15": detector.when_busy_q15,
        "kQuietQ15": detector.quiet_q15,
        "kReleaseQ15": detector.release_q15,
    }.items():
        (values,) = re.findall(name + r"\[kLabelCount\] = \{([^}]*)\}", text)
        assert [int(value) for value in values.split(",") if value.strip()] == expected.tolist()
    header = (folder / "detector_config.h").read_text()
    for line in (f"int kRunSteps = {detector.run_steps};", f"uint16_t kQuietSteps = {detector.quiet_steps};"):
        assert f"constexpr {line}" in header


@pytest.mark.parametrize("config", [SPEECH_CONFIG, *OTHER_CONFIGS.values()], ids=["default", *OTHER_CONFIGS])
def test_frontend_tables_source_holds_every_value(config):
    text = (generate(config, DEFAULT_DETECTOR) / "frontend_tables.cc").read_text()
    t = tables_of(config)
    arrays = dict(re.findall(r"(k\w+)\[[^\]]*\] = \{([^}]*)\}", text))
    expected = {
        "kHannQ16": t.hann_q16,
        "kFirstIndex": t.first_index,
        "kTwiddleQ31": t.twiddle_q31,
        "kSplitQ31": t.split_q31,
        "kSqrtQ31": t.sqrt_q31,
        "kLog2Q15": t.log2_q15,
        "kMelSegmentBins": t.mel_segment_bins,
        "kMelWeightQ16": t.mel_weight_q16,
        **({"kDct": t.dct} if config.kind == "mfcc" else {}),
        "kMultiplier": t.multiplier,
        "kOffset": t.offset,
        "kShift": t.shift,
    }
    assert set(arrays) == set(expected)
    for name, values in expected.items():
        assert [int(v) for v in arrays[name].replace(",", " ").split()] == values.ravel().tolist(), name


@pytest.mark.parametrize(
    ("config", "macros"),
    [
        (SPEECH_CONFIG, []),
        (LOG_MEL_CONFIG, ["KWS_FRONTEND_LOG_MEL"]),
        (LOG_MEL_8K_CONFIG, ["KWS_FRONTEND_LOG_MEL", "KWS_FRONTEND_PREEMPHASIS"]),
    ],
    ids=["mfcc", "log_mel", "log_mel_8k"],
)
def test_frontend_tables_header_chooses_the_stages_that_a_configuration_has(config, macros):
    header = (generate(config, DEFAULT_DETECTOR) / "frontend_tables.h").read_text()
    assert re.findall(r"#define (\w+)", header) == macros
    assert f"constexpr int kSampleRateHz = {config.sample_rate_hz};" in header
    preemphasis = re.findall(r"kPreemphasisQ15 = (\d+);", header)
    assert preemphasis == ([str(config.preemphasis_q15)] if config.preemphasis else [])


def test_frontend_tables_mel_range_without_bins_is_refused():
    with pytest.raises(KwsError, match="no DFT bin"):
        tables_of(dataclasses.replace(SPEECH_CONFIG, mel_low_hz=3001.0, mel_high_hz=3030.0))


def test_frontend_tables_are_shared_and_read_only():
    assert tables_of(SPEECH_CONFIG) is tables_of(dataclasses.replace(SPEECH_CONFIG), 0)
    with pytest.raises(ValueError, match="read-only"):
        tables_of(SPEECH_CONFIG).hann_q16[0] = 1
