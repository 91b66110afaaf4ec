"""Runs with a front end from a file: what they keep, what the model is fed, what they are refused."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_reference.audio.pcm import convert_rate  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_reference.frontend.definition import mfcc_float  # noqa: E402
from kws_reference.frontend.wanted import wanted_frontend  # noqa: E402
from kws_reference.labels import LabelSet  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.data.augment_config import AugmentConfig  # noqa: E402
from kws_training.data.clips import ClipSet  # noqa: E402
from kws_training.data.features import feature_statistics, plain_features  # noqa: E402
from kws_training.data.int8_features import int8_features  # noqa: E402
from kws_training.data.render import render_epoch  # noqa: E402
from kws_training.data.training_data import TrainingData  # noqa: E402
from kws_training.models import ARCHITECTURES, architecture  # noqa: E402
from kws_training.quantize.calibration import calibration  # noqa: E402
from kws_training.streaming import to_streaming  # noqa: E402
from kws_training.train.job import FitJob  # noqa: E402

from tests.support.tones import write_tones  # noqa: E402

LOG_MEL = FrontendConfig("log_mel", hop_samples=320, mel_bands=40, coefficients=40)
LOW_RATE = FrontendConfig(
    "log_mel", sample_rate_hz=8000, window_samples=240, hop_samples=80, fft_size=256, mel_bands=33, mel_high_hz=3800.0,
    coefficients=33, preemphasis=0.97,
)  # fmt: skip


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    rng = np.random.default_rng(3)
    pcm = np.round(rng.normal(0, 800, (6, 16000))).astype(np.int16)
    labels = LabelSet.of_words(("yes", "no"))
    names = tuple(f"yes/{index}.wav" for index in range(6))
    return ClipSet(pcm, np.full(6, 2), ("yes",) * 6, names, (pcm[0], pcm[1]), labels)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("speech_commands"), speakers=8)


def fit(recordings, run, *more):
    data = ["--data", str(recordings), "--labels", "yes,no", "--unknown-percent", "50", "--workers", "0"]
    return cli.main(["fit", *data, "--out", str(run), "--epochs", "1", "--batch", "8", *map(str, more)])


@pytest.mark.parametrize("frontend", [LOG_MEL, LOW_RATE], ids=["20_ms", "8_khz"])
def test_features_of_training_clips_are_those_of_the_front_end_at_its_rate(clips, frontend):
    heard = np.stack([convert_rate(clip, 16000, frontend.sample_rate_hz) for clip in clips.pcm])
    features, _ = plain_features(clips, frontend, np.float32)
    # float32 instead of float64, and a rounding of one sample by preemphasis that falls to the other side.
    np.testing.assert_allclose(features, mfcc_float(heard, frontend), atol=0.02)
    measured = feature_statistics(clips, 1, frontend)
    np.testing.assert_allclose(measured.feature_mean, features.mean((0, 1)), rtol=1e-5)
    drawn = calibration(clips, measured, 1).features
    np.testing.assert_array_equal(drawn, int8_features(measured, heard))
    exact = (mfcc_float(heard, measured) - measured.feature_mean) / measured.feature_std * 32
    # Half a step of rounding and what the integers are off.
    assert np.abs(np.clip(exact, -128, 127) - drawn).max() < 0.6


def test_rendered_epoch_of_another_rate_without_augmentation_equals_plain_features(clips):
    still = AugmentConfig(
        shift_samples=0, resample=0.0, gain_low_db=0.0, gain_high_db=0.0, noise_probability=0.0, time_masks=0,
        feature_masks=0, silence_percent=0.0, unknown_percent=0.0,
    )  # fmt: skip
    rendered, _ = render_epoch(clips, 1, 0, still, LOW_RATE)
    plain, _ = plain_features(clips, LOW_RATE)
    assert rendered.shape == plain.shape == (6, 98, 33)
    assert sorted(map(bytes, rendered)) == sorted(map(bytes, plain))


def test_matchbox_of_another_hop_averages_over_a_second_of_its_frames():
    config = architecture("matchbox").config(4, LOG_MEL)
    assert (config.coefficients, config.pool_frames, config.frames_per_step) == (40, 49, 1)
    kit = architecture("matchbox").config(4, dataclasses.replace(LOG_MEL, hop_samples=160))
    assert (kit.pool_frames, kit.frames_per_step) == (98, 2)
    assert architecture("matchbox").config(4, LOW_RATE).coefficients == 33
    assert architecture("mhatt_rnn").config(4, LOG_MEL).frames == 49
    model = ARCHITECTURES["matchbox"].build(config)
    clips = np.random.default_rng(1).normal(size=(2, 49, 40)).astype(np.float32)
    # float32 sums in another order.
    np.testing.assert_allclose(to_streaming(model, 1).stream(clips), model(clips), atol=1e-4)


@pytest.mark.parametrize("name", ["transformer", "mixednet"])
def test_model_made_for_the_kits_frames_refuses_another_hop_by_name(name: str):
    with pytest.raises(KwsError, match=f"{name} takes 98 frames a second, the front end makes 49. Choose another hop"):
        architecture(name).config(4, LOG_MEL)
    assert architecture(name).config(4, LOW_RATE).coefficients == 33


def test_fit_keeps_the_front_end_and_starts_from_it(recordings, tmp_path, capsys, monkeypatch):
    (tmp_path / "8k.json").write_text(json.dumps({"kind": "log_mel", "sample_rate_hz": 8000, "mel_bands": 33}))
    assert fit(recordings, tmp_path / "run", "--frontend", tmp_path / "8k.json", "--model", "mixednet") == 0
    kept = json.loads((tmp_path / "run/settings.json").read_text())
    frontend = FrontendConfig.from_dict(kept["frontend"])
    wanted = wanted_frontend(str(tmp_path / "8k.json")).config
    assert dataclasses.replace(frontend, feature_mean=(), feature_std=()) == wanted
    assert kept["model"]["coefficients"] == 33 and any(frontend.feature_mean)
    assert fit(recordings, tmp_path / "next", "--start-from", tmp_path / "run") == 0
    assert json.loads((tmp_path / "next/settings.json").read_text())["frontend"] == kept["frontend"]
    capsys.readouterr()
    assert fit(recordings, tmp_path / "more", "--start-from", tmp_path / "run", "--frontend", "log_mel") == 2
    assert "--start-from hears with the front end of its run. Leave out --frontend." in capsys.readouterr().err
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (["--frontend", "micro"], 'kws-train fit knows the front ends "mfcc" and "log_mel". Received: "micro".'),
        (["--frontend", "nothing"], "--frontend: cannot read nothing"),
        (["--frontend", "{slow}", "--model", "mixednet"], "mixednet takes 98 frames a second, the front end makes 49"),
        (
            ["--frontend", "{slow}", "--speech", "{slow}"],
            "--speech counts in windows of 480 samples every 160 at 16000",
        ),
    ],
)
def test_fit_with_a_front_end_that_it_cannot_have_is_one_line(recordings, tmp_path, capsys, words, message):
    (tmp_path / "slow.json").write_text(json.dumps({"kind": "log_mel", "hop_samples": 320}))
    assert fit(recordings, tmp_path / "run", *(word.format(slow=tmp_path / "slow.json") for word in words)) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("error: ") and message in line
    assert not (tmp_path / "run").exists()


def test_job_of_the_published_recipe_with_another_front_end_is_refused(tmp_path):
    with pytest.raises(KwsError, match="the published recipe runs unchanged. Leave out --frontend."):
        FitJob(tmp_path / "run", TrainingData(tmp_path), published=True, frontend=LOG_MEL)
