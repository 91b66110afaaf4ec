"""Training among speech: a model asked at many moments, its loss, what it hears in recordings, and kws-train fit."""

import gc
import json
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_reference.frontend.definition import mfcc_float  # noqa: E402
from kws_reference.labels import LabelSet  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.data.features import quantize_features  # noqa: E402
from kws_training.data.scenes.scene_config import SceneConfig  # noqa: E402
from kws_training.data.scenes.speech_set import SpeechSet  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.models.matchbox import Block, MatchboxConfig, build  # noqa: E402
from kws_training.quantize.graph import to_quantized  # noqa: E402
from kws_training.quantize.model import calibrate  # noqa: E402
from kws_training.quantize.precision import precision  # noqa: E402
from kws_training.train.hard_rounds import listen, rounds_of  # noqa: E402
from kws_training.train.listening import HeardSpeech, heard_samples, peaks_apart  # noqa: E402
from kws_training.train.optimizer import compile_model  # noqa: E402
from kws_training.train.pooled_model import PooledModel  # noqa: E402
from kws_training.train.recipe import Recipe  # noqa: E402
from kws_training.train.run_files import score, score_among_speech  # noqa: E402
from kws_training.train.scene_model import SceneModel, SceneSteps, moments_loss  # noqa: E402

from tests.support.paths import ROOT  # noqa: E402
from tests.support.speech import write_speech  # noqa: E402
from tests.support.tones import write_tones  # noqa: E402

ENDS = tuple(range(98, 199, 10))
FRONTEND = FrontendConfig(feature_mean=(2.0,) * 40, feature_std=(3.0,) * 40)
SMALL = MatchboxConfig(labels=4, blocks=(Block(8, 5), Block(8, 5, residual=True), Block(8, 3, dilation=2)))


def drawn(model, seed=0):
    """A model whose normalisations do something."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    return model


@pytest.mark.parametrize("name", ["matchbox", "transformer", "mixednet"])
def test_moments_of_a_scene_equal_the_model_on_what_was_heard_by_then(name):
    kind = architecture(name)
    model, rng = drawn(kind.build(kind.config(labels=4))), np.random.default_rng(1)
    clips, scenes = (rng.normal(0, 1, (count, frames, 40)).astype(np.float32) for count, frames in ((3, 98), (2, 198)))
    logits, heard = PooledModel(model, name).clips_and_moments(tf.constant(clips), tf.constant(scenes), ENDS)
    # Products of other shapes add up in another order.
    np.testing.assert_allclose(logits, model(clips), atol=2e-5)
    for moment in (0, 4, 10):
        np.testing.assert_allclose(heard[:, moment], model(scenes[:, : ENDS[moment]]), atol=2e-5)


def test_a_model_without_a_pool_is_refused_by_name():
    kind = architecture("mhatt_rnn")
    with pytest.raises(KwsError, match="a mhatt_rnn does not end in a mean .* without --speech"):
        PooledModel(kind.build(kind.config(labels=4)), "mhatt_rnn")


@pytest.mark.parametrize("name", ["int8_native", "int4_fake"])
def test_moments_of_a_quantized_model_equal_the_model_at_the_first(name):
    config, rng = SMALL, np.random.default_rng(2)
    model = to_quantized(drawn(build(config)), precision(name), 1 / 32, config.frames_per_step, config.pool_frames)
    features = rng.integers(-90, 90, (4, 98, 40)).astype(np.float32) / 32
    calibrate(model, features)
    scenes = rng.integers(-90, 90, (2, 198, 40)).astype(np.float32) / 32
    heard = PooledModel(model, "matchbox").moments(tf.constant(scenes), (20, *ENDS)).numpy()
    np.testing.assert_array_equal(heard[:, 1], model(scenes[:, :98]))
    pool = model.get_layer("pool")
    frames = keras.Model(model.input, pool.input)(scenes[:, :98])
    # By a moment before the window is full, there were zeros before the first frame.
    means = pool(tf.concat([tf.zeros((2, 78, 8)), frames[:, :20]], 1))
    np.testing.assert_array_equal(heard[:, 0], model.get_layer("scores")(model.get_layer("logits")(means)))
    assert heard.shape == (2, 12, 4) and np.abs(heard[:, 11] - heard[:, 1]).max() > 0


def test_batch_normalisation_sees_clips_and_scenes_together():
    model, rng = build(SMALL), np.random.default_rng(3)
    clips = rng.normal(0, 1, (3, 98, 40)).astype(np.float32)
    scenes = rng.normal(2, 3, (2, 198, 40)).astype(np.float32)
    seen = keras.Model(model.input, model.get_layer("block1_norm").input)
    frames = np.concatenate([seen(part).numpy().reshape(-1, 8) for part in (clips, scenes)])
    pooled = PooledModel(model, "matchbox")
    with tf.GradientTape():
        layer = _Trained(pooled)
        layer([tf.constant(clips), tf.constant(scenes)], training=True)
    np.testing.assert_allclose(model.get_layer("block1_norm").moving_mean, 0.03 * frames.mean(0), atol=1e-5)


class _Trained(keras.layers.Layer):
    def __init__(self, pooled):
        super().__init__()
        self.pooled = pooled

    def call(self, inputs, training=None):
        return self.pooled.clips_and_moments(*inputs, ENDS)


def test_moments_loss_takes_all_right_labels_together_and_leaves_out_moments_without_any():
    logits = np.log(np.array([[[0.1, 0.2, 0.7], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]], np.float32))
    right = np.array([[[1, 1, 0], [0, 0, 0], [0, 0, 1]]], np.float32)
    each = -np.log([0.3, 0.6])
    assert moments_loss(logits, right, 0.0, 0.0).numpy() == pytest.approx(each.mean(), rel=1e-5)
    assert moments_loss(logits, right, 1.0, 0.0).numpy() == pytest.approx(each.max(), rel=1e-5)
    assert moments_loss(logits, np.zeros_like(right), 0.5, 0.1).numpy() == 0


def test_steps_that_were_fitted_and_released_keep_no_array():
    rng = np.random.default_rng(6)
    model = SceneModel(build(SMALL), "matchbox", ENDS, SceneConfig(), 0.05)
    compile_model(model, Recipe(epochs=1), 2)
    clips = rng.normal(0, 1, (4, 98, 40)).astype(np.float32), np.eye(4, dtype=np.float32)
    scenes = rng.normal(0, 1, (3, 198, 40)).astype(np.float16), np.ones((3, 11, 4), np.uint8)
    steps, kept = SceneSteps(clips, scenes, np.array([2, 0, 1, 2]), 2, 2, FRONTEND), weakref.ref(clips[0])
    (inputs, features), (targets, right) = steps[1]
    assert inputs.tobytes() == clips[0][2:].tobytes() and targets.tobytes() == clips[1][2:].tobytes()
    np.testing.assert_array_equal(features, quantize_features(scenes[0][[1, 2]], FRONTEND))
    history = model.fit(steps, shuffle=False, verbose=0).history
    assert {"loss", "accuracy", "scene_loss"} == set(history)
    steps.release()
    del clips, inputs
    gc.collect()
    assert kept() is None


def speech_set(seconds):
    rng = np.random.default_rng(4)
    parts = [rng.integers(-3000, 3000, round(16000 * length)).astype(np.int16) for length in seconds]
    starts = np.cumsum([0, *map(len, parts)])
    nothing = np.zeros((0, 2), np.int64)
    return SpeechSet(np.concatenate(parts), starts, tuple(seconds), (nothing,) * len(parts), np.ones(len(parts), bool))


def test_heard_speech_in_stretches_equals_one_pass_over_the_recording():
    model, speech = PooledModel(drawn(build(SMALL)), "matchbox"), speech_set((23.5, 0.7, 12.21))
    heard, again = HeardSpeech(speech, FRONTEND, kept=True), None
    for _ in range(2):  # computed, and kept
        again = list(heard.probabilities(model))
    assert [len(outputs) for outputs in again] == [234, 6, 121]
    for index, outputs in enumerate(again):
        features = quantize_features(mfcc_float(speech.recording(index)[None], FRONTEND, np.float32), FRONTEND)
        ends = tuple(range(10, features.shape[1] + 1, 10))
        # A sum of 98 float32 in another order.
        np.testing.assert_allclose(outputs, model.probabilities(features, ends)[0], atol=1e-5)
        assert heard_samples(len(outputs), FRONTEND)[-1] <= len(speech.recording(index))


def test_listen_keeps_what_is_raised_but_neither_what_is_said_nor_what_is_believed():
    class Hears:
        """Says label 2 with the loudness of the last tenth of a second, in the place of a model."""

        def probabilities(self, inputs, ends):
            level = np.stack([inputs[:, end - 2, 0] for end in ends], 1)
            return np.stack([1 - level, 0 * level, level], -1)

    labels, config = LabelSet.of_words(["yes"]), SceneConfig(hard_level=0.2, believed=0.95, passed_s=0.5)
    pcm = np.zeros(16000 * 6, np.int16)
    frontend = FrontendConfig(feature_mean=(0.0,) * 40, feature_std=(1.0,) * 40)
    for second, level in ((1, 3000), (3, 3000), (5, 3000)):
        pcm[second * 16000 : second * 16000 + 1600] = level
    heights = mfcc_float(pcm[None], frontend, np.float32)[0, :, 0]
    scale = FrontendConfig(feature_mean=(0.0,) * 40, feature_std=(float(heights.max()) / 0.97,) * 40)

    def found(known):
        speech = SpeechSet(pcm, np.array([0, len(pcm)]), ("a",), (np.array([[40_000, 50_000]]),), np.array([known]))
        return listen(Hears(), speech, labels, scale, config)

    known, unknown = found(True), found(False)
    assert {round(sample / 16000) for sample in known.samples} == {1, 5} and not len(known.believed)
    assert not len(unknown) and {round(end / 16000) for _, _, end in unknown.believed} == {1, 5}


def test_peaks_apart_are_the_highest_first():
    assert peaks_apart(np.array([0, 0.5, 0.9, 0.8, 0, 0.3, 0.2]), 3) == [2, 5]


def test_rounds_of_hard_negatives_are_at_a_half_and_three_quarters():
    assert rounds_of(SceneConfig(hard_rounds=2), 60, False) == (30, 45)
    assert rounds_of(SceneConfig(hard_rounds=3), 8, True) == (0, 4, 6)
    assert rounds_of(SceneConfig(hard_rounds=0), 60, True) == ()


def test_score_of_an_epoch_counts_recall_among_speech_as_much_as_accuracy_over_three_epochs():
    assert score({"val_accuracy": 0.9}) == 0.9
    assert score({"val_accuracy": 0.9, "val_score": 0.7}) == 0.7
    history = [{"val_accuracy": 0.9, "val_recall": recall} for recall in (0.1, 0.3, 0.8)]
    assert score_among_speech([], history[0]) == pytest.approx(0.5)
    lucky = {"val_accuracy": 0.9, "val_recall": 0.4}
    assert score_among_speech(history, lucky) == pytest.approx((0.9 + 0.5) / 2)


WHOLE_AND_RESUMED = """
import shutil, sys
from kws_training import cli
from kws_training.train import scene_validation
from kws_training.train.run_folder import RunFolder
scene_validation.SCENES = 32
whole, broken, *arguments = sys.argv[1:]
finish = RunFolder.finish_epoch
def copied(run, *arguments):
    finish(run, *arguments)
    if len(run.history) == 2:  # as a kill would leave it before the round of hard negatives
        shutil.copytree(whole, broken)
RunFolder.finish_epoch = copied
assert cli.main([*arguments, "--out", whole]) == 0
RunFolder.finish_epoch = finish
assert cli.main([*arguments, "--out", broken]) == 0
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    (root / "tones").mkdir()
    return write_tones(root / "tones", speakers=8), write_speech(root / "speech")


def arguments(folders, *more):
    tones, speech = map(str, folders)
    return [
        *("fit", "--model", "mixednet", "--data", tones, "--labels", "yes,no", "--speech", speech, "--epochs", "4"),
        *("--batch", "8", "--scene-batch", "4", "--seed", "5", "--unknown-percent", "50", "--workers", "0", *more),
    ]


def test_fit_among_speech_stopped_and_run_again_equals_an_unbroken_run(folders, tmp_path):
    # One thread adds up gradients in one order: two equal runs give equal numbers.
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    command = [*arguments(folders, "--weight-averaging", "0.5", "--scene-hard-level", "0")]
    subprocess.run(
        [sys.executable, "-c", WHOLE_AND_RESUMED, str(whole), str(broken), *command],
        check=True,
        env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join([str(ROOT / "training"), str(ROOT)])},
        capture_output=True,
    )
    first, second = (json.loads((run / "history.json").read_text()) for run in (whole, broken))
    assert [{**entry, "seconds": 0} for entry in first] == [{**entry, "seconds": 0} for entry in second]
    assert len(first) == 4 and {"scene_loss", "val_recall", "val_false_accepts", "val_heard", "val_score"} <= set(
        first[0]
    )
    with np.load(whole / "hard_moments_002.npz") as one, np.load(broken / "hard_moments_002.npz") as other:
        assert len(one["samples"]) > 3
        for name in one.files:
            np.testing.assert_array_equal(one[name], other[name])
    settings = json.loads((whole / "settings.json").read_text())
    assert settings["scenes"]["batch"] == 4 and settings["scenes"]["speech_recordings"] == {
        "training": 4,
        "validation": 1,
    }


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--model", "mhatt_rnn"], "a mhatt_rnn does not end in a mean"),
        (["--word-times", "a.tsv", "--word-times", "b.tsv"], "give one for each, in their order. Received: 2 for 1"),
        (["--scene-heard-s", "1.5"], "scene heard_s is above passed_s. Received: 1.5 and 0.9"),
        (["--recipe", "published"], "Leave out --"),
    ],
)
def test_fit_among_speech_with_what_does_not_fit_says_so_in_one_line(folders, tmp_path, capsys, more, message):
    assert cli.main([*arguments(folders), "--out", str(tmp_path / "run"), *more]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_fit_with_a_scene_option_but_no_speech_says_so(tmp_path, capsys):
    assert cli.main(["fit", "--data", str(tmp_path), "--out", str(tmp_path / "run"), "--scene-batch", "4"]) == 2
    assert "--scene-batch is about scenes. Give --speech too" in capsys.readouterr().err
