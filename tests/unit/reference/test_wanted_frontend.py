"""Front ends as ``--frontend`` names them: what a file may leave out, and what is refused in one line."""

import json

import pytest
from kws_reference.errors import KwsError
from kws_reference.frontend import kinds
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.integer import Mfcc, MfccStream
from kws_reference.frontend.micro_config import MICRO_SPEECH, MicroFrontendConfig
from kws_reference.frontend.wanted import wanted_frontend

LOG_MEL = {"kind": "log_mel"}


@pytest.fixture
def wanted(tmp_path):
    """`wanted_frontend` of a file that holds some values."""

    def of(values):
        (tmp_path / "frontend.json").write_text(json.dumps(values))
        return wanted_frontend(str(tmp_path / "frontend.json"))

    return of


def test_wanted_kinds_have_their_defaults():
    assert wanted_frontend("mfcc").config == FrontendConfig()
    assert wanted_frontend("log_mel").config == FrontendConfig("log_mel", mel_bands=40, coefficients=40)
    assert wanted_frontend("micro").config == MicroFrontendConfig()
    assert wanted_frontend("micro_speech").config == MicroFrontendConfig(**MICRO_SPEECH)
    assert [wanted_frontend(kind).quantized for kind in ("mfcc", "log_mel", "micro", "micro_speech")] == [
        *[False] * 3,
        True,
    ]


@pytest.mark.parametrize(
    ("values", "window", "hop", "fft", "high_hz"),
    [
        ({}, 480, 160, 512, 7600.0),
        ({"sample_rate_hz": 8000, "mel_bands": 32}, 240, 80, 256, 3800.0),
        ({"sample_rate_hz": 8000, "window_samples": 400}, 400, 80, 512, 3800.0),
        ({"sample_rate_hz": 32000}, 960, 320, 1024, 7600.0),
        ({"hop_samples": 320, "fft_size": 1024, "mel_high_hz": 4000.0}, 480, 320, 1024, 4000.0),
    ],
)
def test_wanted_file_without_sizes_has_those_of_its_sample_rate(wanted, values, window, hop, fft, high_hz):
    config = wanted({**LOG_MEL, **values}).config
    assert (config.window_samples, config.hop_samples, config.fft_size) == (window, hop, fft)
    assert (config.mel_high_hz, config.coefficients) == (high_hz, config.mel_bands)
    assert config.feature_std == (1.0,) * config.mel_bands


def test_wanted_file_with_steps_is_quantized(wanted):
    assert wanted({**LOG_MEL, "feature_steps_per_std": 16}).quantized
    assert not wanted({**LOG_MEL, "preemphasis": 0.97}).quantized


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"coefficients": 13}, "coefficients: use 40, the number of mel_bands. Received: 13"),
        ({"mel_bands": 129}, "mel_bands: use 1 to 128. Received: 129"),
        ({"mel_bands": 128}, "mel_bands: band 1 of 128 lies between two DFT bins 31.25 Hz apart. Use fewer bands"),
        ({"mel_bands": "40"}, "mel_bands: use an integer > 0. Received: 40"),
        ({"sample_rate_hz": 8000, "mel_high_hz": 7600.0}, "mel_high_hz: use at most 4000. Received: 7600.0"),
        ({"sample_rate_hz": 48000}, "window_samples: use 2 to 1024. Received: 1440"),
        ({"sample_rate_hz": "8k"}, "sample_rate_hz: use an integer > 0. Received: 8k"),
        ({"sample_rate_hz": 50}, "hop_samples: use an integer > 0. Received: 0"),
        ({"window_samples": 300, "fft_size": 256}, "window_samples: use 2 to 256. Received: 300"),
        ({"fft_size": 2048}, "fft_size: use one of 256, 512, 1024. Received: 2048"),
        ({"hop_samples": 481}, "hop_samples: use 1 to 480. Received: 481"),
        ({"preemphasis": 1}, "preemphasis: use 0 to 0.99998. Received: 1"),
        ({"preemphasis": -0.1}, "preemphasis: use 0 to 0.99998. Received: -0.1"),
        ({"preemphasis": float("nan")}, "preemphasis: use a finite number. Received: nan"),
        ({"feature_mean": [30.0] * 40}, r"feature_mean: use \+-25. Received: "),
        ({"dct": False}, r"frontend.json: it holds dct, which log_mel does not have.* Correct the file"),
        ({"kind": "micro", "preemphasis": 0.97}, r"it holds preemphasis, which micro does not have.* Correct the file"),
        ({"mel_low_hz": 40.0, "mel_high_hz": 60.0, "mel_bands": 1}, "no DFT bin lies between mel_low_hz 40.0"),
        ({"kind": "mfcc", "mel_bands": 41}, "mel_bands: use an even number up to 128. Received: 41"),
        ({"kind": "fbank"}, "must hold a JSON object whose kind is one of mfcc, log_mel, micro"),
    ],
)
def test_wanted_front_end_that_cannot_be_computed_is_refused_by_name(wanted, values, message):
    with pytest.raises(KwsError, match=message) as error:
        wanted({**LOG_MEL, **values})
    assert "\n" not in str(error.value)


def test_wanted_front_end_that_is_no_file_and_no_kind_is_refused(tmp_path):
    with pytest.raises(KwsError, match="cannot read logmel: .* Give a file, or one of mfcc, log_mel, micro, micro_spe"):
        wanted_frontend("logmel")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(KwsError, match="x.json is not JSON"):
        wanted_frontend(str(tmp_path / "x.json"))


def test_frontend_config_of_no_preemphasis_is_written_as_before_there_was_one(wanted):
    plain, config = FrontendConfig().to_dict(), wanted({**LOG_MEL, "preemphasis": 0.97}).config
    assert "preemphasis" not in plain and FrontendConfig.from_dict(plain).preemphasis == 0
    assert kinds.config_from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert (type(kinds.whole(config)), type(kinds.stream(config))) == (Mfcc, MfccStream)
