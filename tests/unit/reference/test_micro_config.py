"""Parameters of the micro front end: what is read, what is refused, and the quantization of its logarithms."""

import argparse
import dataclasses
import json

import numpy as np
import pytest
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend import kinds
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.integer import Mfcc, MfccStream
from kws_reference.frontend.micro import Micro, MicroStream
from kws_reference.frontend.micro_config import MICRO_SPEECH, MicroFrontendConfig, quantization, quantized
from kws_reference.frontend.micro_tables import micro_tables
from kws_reference.pipeline import Pipeline
from kws_training.commands import frontend_report
from kws_training.data.int8_features import int8_features

from tests.support.frontend_native import OTHER_MICRO_CONFIGS
from tests.support.models import micro_bundle, one_frame
from tests.support.signals import speech_like

SCALE = float(np.float32(26 / 255))  # of microWakeWord's models: features of 0 to 26
MFCC = FrontendConfig()


@pytest.mark.parametrize("config", [MicroFrontendConfig(), *OTHER_MICRO_CONFIGS.values()])
def test_micro_config_survives_json(config: MicroFrontendConfig):
    assert kinds.config_from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "mfcc"),
        ("sample_rate_hz", 0),
        ("sample_rate_hz", 16000.0),
        ("window_samples", 256),
        ("window_samples", 513),
        ("hop_samples", 481),
        ("hop_samples", 0),
        ("channels", 0),
        ("channels", 129),
        ("channels", True),
        ("low_hz", -1.0),
        ("low_hz", "125"),
        ("high_hz", 8000.0),
        ("high_hz", float("nan")),
        ("smoothing_bits", 2),
        ("smoothing_bits", 17),
        ("even_smoothing", 1.1),
        ("odd_smoothing", -0.1),
        ("min_signal_remaining", float("inf")),
        ("gain_control", 1),
        ("gain_strength", 1.5),
        ("gain_offset", 0.0),
        ("gain_bits", 14),
        ("log_scale_shift", 12),
        ("feature_multiplier", 0),
        ("feature_multiplier", 2**30),
        ("feature_offset", -(2**31)),
        ("feature_shift", 32),
    ],
)
def test_micro_config_faulty_value_is_refused_by_name(key: str, value):
    values = {**MicroFrontendConfig().to_dict(), key: value}
    with pytest.raises(KwsError, match=f"frontend {key}: .*Received: ") as error:
        MicroFrontendConfig.from_dict(values)
    assert "\n" not in str(error.value)


def test_micro_config_low_edge_above_the_high_one_is_refused():
    with pytest.raises(KwsError, match="low_hz: use 0 up to less than high_hz"):
        MicroFrontendConfig(low_hz=7500.0)


def test_micro_config_missing_or_unknown_key_is_refused_by_name():
    values = MicroFrontendConfig().to_dict()
    values["step"] = values.pop("hop_samples")
    with pytest.raises(KwsError, match="hop_samples.*step"):
        MicroFrontendConfig.from_dict(values)
    with pytest.raises(KwsError, match="list"):
        MicroFrontendConfig.from_dict([])


# --- Tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"low_hz": 3005.0, "high_hz": 3020.0}, "no DFT bin lies between"),
        ({"high_hz": 7999.9999}, "high_hz: 7999.9999 takes in half the sample rate"),  # 8000 in single precision
        ({"channels": 2}, "channels: the widest of 2 holds .* Use more channels"),
        ({"gain_bits": 30}, "gain_bits: gains of 30 bits"),
    ],
)
def test_micro_tables_what_cannot_be_computed_is_refused_by_name(values: dict, message: str):
    with pytest.raises(KwsError, match=message):
        micro_tables(dataclasses.replace(MicroFrontendConfig(), **values))


def test_micro_tables_are_shared_and_read_only():
    assert micro_tables(MicroFrontendConfig()) is micro_tables(MicroFrontendConfig())
    with pytest.raises(ValueError, match="read-only"):
        micro_tables(MicroFrontendConfig()).weight_q12[0] = 1


# --- Quantization ----------------------------------------------------------------------------------------------------


def test_quantization_of_microwakeword_is_the_default_and_equals_its_runtime():
    config = MicroFrontendConfig()
    found = quantization(SCALE, -128)
    assert dataclasses.replace(config, **found) == config
    logs = np.arange(config.largest_log + 1)
    features = [log * 0.0390625 for log in logs.tolist()]  # what pymicro-features returns
    runtime = np.round(np.array(features) / SCALE + -128)
    np.testing.assert_array_equal(quantized(logs, config), np.clip(runtime, -128, 127))
    assert runtime[0] == -128 and runtime[-1] > 127


def test_quantization_of_micro_speech_divides_by_666():
    logs = np.arange(MicroFrontendConfig().largest_log + 1)
    expected = np.clip((256 * logs + 333) // 666 - 128, -128, 127)
    config = MicroFrontendConfig(**MICRO_SPEECH)
    np.testing.assert_array_equal(quantized(logs, config), expected)
    config.check_quantization(SCALE, -128)
    assert (quantized(logs, MicroFrontendConfig()) != expected).any()


@pytest.mark.parametrize("scale", [1 / 32, 0.0, -0.1, float("inf")])
def test_quantization_that_no_integers_give_is_refused(scale: float):
    """Steps of 1/32 have halves, which the runtime rounds to even: up and down in turns."""
    with pytest.raises(KwsError, match="features.scale|feature_multiplier"):
        quantization(scale, -128)


# --- Kinds -----------------------------------------------------------------------------------------------------------


def test_kinds_give_each_configuration_its_front_end():
    assert isinstance(kinds.config_from_dict(MFCC.to_dict()), FrontendConfig)
    assert (type(kinds.whole(MFCC)), type(kinds.stream(MFCC))) == (Mfcc, MfccStream)
    micro = MicroFrontendConfig()
    assert (type(kinds.whole(micro, -128)), type(kinds.stream(micro, -128))) == (Micro, MicroStream)


@pytest.mark.parametrize("kind", [None, "microfrontend", 1, ["mfcc"]])
def test_kinds_unknown_kind_is_refused_by_name(kind):
    with pytest.raises(KwsError, match="frontend kind: use one of mfcc, log_mel, micro. Received: "):
        kinds.config_from_dict({**MFCC.to_dict(), "kind": kind})


def test_kinds_micro_where_only_mfcc_is_known_is_refused():
    with pytest.raises(KwsError, match='frontend kind: use "mfcc" or "log_mel". Received: micro'):
        FrontendConfig.from_dict(MicroFrontendConfig().to_dict())
    with pytest.raises(KwsError, match='the report knows the front ends "mfcc" and "log_mel".*"micro"'):
        kinds.require_mel_bands(MicroFrontendConfig(), "the report")
    assert kinds.require_mel_bands(MFCC, "the report") is MFCC


def test_kinds_features_of_clips_are_those_of_the_front_end():
    clips = np.stack([speech_like(1.0, 1), speech_like(1.0, 2)])
    features = int8_features(MicroFrontendConfig(), clips, zero_point=-128)
    np.testing.assert_array_equal(features, Micro(MicroFrontendConfig()).frames(clips))


def test_frontend_report_of_a_micro_bundle_is_refused(tmp_path):
    bundle = micro_bundle(tmp_path / "bundle")
    with pytest.raises(KwsError, match='kws-train frontend-report knows the front ends "mfcc" and "log_mel".*"micro"'):
        frontend_report.run(argparse.Namespace(bundle=bundle.path, audio=tmp_path, limit=1))


def test_pipeline_of_a_micro_bundle_hears_by_its_front_end(tmp_path):
    bundle, pcm = micro_bundle(tmp_path), speech_like(1.0)
    steps = Pipeline(bundle).run(pcm)
    features = np.concatenate([step.features for step in steps])
    np.testing.assert_array_equal(features, Micro(bundle.frontend).frames(pcm)[: len(features)])
    assert len(steps) == 32


def test_bundle_with_another_quantization_than_its_model_is_refused(tmp_path):
    frontend = MicroFrontendConfig(channels=4, low_hz=3500.0)
    mfcc = one_frame().write(tmp_path)
    manifest = {**mfcc.manifest, "frontend": {**frontend.to_dict(), "channels": mfcc.features.shape[3]}}
    for scale, zero_point in ((SCALE * 1.01, -128), (SCALE, -127)):
        manifest["features"] = {**mfcc.manifest["features"], "scale": scale, "zero_point": zero_point}
        with pytest.raises(KwsError, match="feature_multiplier .* contradict features.scale"):
            write_bundle(tmp_path, mfcc.model, manifest)
    manifest["features"] = {**mfcc.manifest["features"], "scale": SCALE, "zero_point": -128}
    write_bundle(tmp_path, mfcc.model, manifest)
    assert isinstance(Bundle.load(tmp_path).frontend, MicroFrontendConfig)
