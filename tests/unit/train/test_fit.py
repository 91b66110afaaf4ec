"""kws-train fit: from a folder of recordings to weights, and on again after a kill."""

import argparse
import dataclasses
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.commands.fit import add_parser  # noqa: E402
from kws_training.convert import integer  # noqa: E402
from kws_training.data.clips import ClipSet  # noqa: E402
from kws_training.evaluate.clip_report import by_label  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.train.examples import training_examples  # noqa: E402
from kws_training.train.optimizer import AveragingAdamW, averaged  # noqa: E402
from kws_training.train.recipe import Recipe  # noqa: E402
from kws_training.train.run_folder import RunFolder  # noqa: E402
from kws_training.train.trained_run import load_run  # noqa: E402

from tests.support.tones import write_tones  # noqa: E402


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("speech_commands"), speakers=40)


def command(recordings, run, epochs, *more):
    return [
        *("fit", "--data", str(recordings), "--labels", "yes,no", "--out", str(run)),
        *(
            "--epochs",
            str(epochs),
            "--batch",
            "8",
            "--learning-rate",
            "0.004",
            "--seed",
            "5",
            "--unknown-percent",
            "50",
            *more,
        ),
    ]


def test_fit_killed_and_run_again_equals_an_unbroken_run(recordings, tmp_path):
    # One thread adds up gradients in one order: two equal runs give equal numbers.
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    environment = {**os.environ, **threads}
    program = [sys.executable, "-m", "kws_training.cli"]
    recipe = ["--mixup", "0.2", "--weight-averaging", "0.9", "--distinct-epochs", "2"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(
        [*program, *command(recordings, whole, 3, *recipe)], check=True, env=environment, capture_output=True
    )
    process = subprocess.Popen(
        [*program, *command(recordings, broken, 3, *recipe)], env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (broken / "history.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 1 <= len(json.loads((broken / "history.json").read_text())) < 3
    result = subprocess.run(
        [*program, *command(recordings, broken, 3, *recipe)],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "going on after epoch" in result.stderr
    histories = [json.loads((run / "history.json").read_text()) for run in (whole, broken)]
    for first, second in zip(*histories, strict=True):
        assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert (broken / "learning_curves.png").read_bytes().startswith(b"\x89PNG")


def test_fit_export_evaluate_give_a_bundle_that_hears(recordings, tmp_path, capsys):
    run, bundle = tmp_path / "run", tmp_path / "tones"
    assert cli.main(command(recordings, run, 25)) == 0
    export = ["export", "--run", str(run), "--data", str(recordings), "--out", str(bundle), "--calibration-clips", "16"]
    assert cli.main(export) == 0
    capsys.readouterr()
    evaluate = ["evaluate", str(bundle), "--run", str(run), "--test", str(recordings), "--set-name", "tones"]
    assert cli.main(evaluate) == 0
    accuracy = json.loads(capsys.readouterr().out)
    assert accuracy["clips"] == 120 and accuracy["float_streaming_max_difference"] < 1e-4
    assert accuracy["int8_streaming"] > 0.6 and accuracy["float_batch"] > 0.6  # a third by guessing
    confusion = json.loads((bundle / "evaluation_tones.json").read_text())["int8_streaming"]["confusion"]
    assert np.sum(confusion) == 120 and np.trace(confusion) == round(120 * accuracy["int8_streaming"])
    assert (bundle / "confusion_tones_int8_streaming.png").stat().st_size > 10_000


def test_fit_soft_labels_of_a_teacher_become_targets_and_other_labels_are_refused(
    recordings, tmp_path, capsys, monkeypatch
):
    teacher, run = tmp_path / "teacher", tmp_path / "run"
    assert cli.main(command(recordings, teacher, 1)) == 0
    lessons = []
    monkeypatch.setattr("keras.Model.fit", lambda self, x, y, **options: lessons.append((x, y)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(command(recordings, run, 1, "--teacher", str(teacher), "--distillation", "1"))
    inputs, targets = lessons[0]
    soft_labels = keras.ops.softmax(load_run(teacher)[1].predict(inputs, verbose=0)).numpy()
    np.testing.assert_allclose(targets, soft_labels, atol=1e-6)
    cache = tmp_path / "cache"
    for _ in range(2):  # computed, then read
        with pytest.raises(ZeroDivisionError):
            more = ["--teacher", str(teacher), "--distillation", "1", "--cache", str(cache)]
            cli.main(command(recordings, run, 1, *more))
        np.testing.assert_array_equal(lessons[-1][1], targets)
    assert len(list(cache.glob("answers_*.npy"))) == 1
    assert json.loads((run / "settings.json").read_text())["teacher"]["architecture"] == "matchbox"
    words = json.loads((teacher / "settings.json").read_text())
    window = {**words["frontend"], "window_samples": 400}
    for other in ({"labels": ["_silence_", "_unknown_", "no", "yes"]}, {"frontend": window}):
        (teacher / "settings.json").write_text(json.dumps({**words, **other}))
        assert cli.main(command(recordings, tmp_path / "other", 1, "--teacher", str(teacher))) == 2
        assert "other labels or another front end" in capsys.readouterr().err


def test_fit_teacher_with_statistics_of_its_own_hears_features_by_them(recordings, tmp_path, monkeypatch):
    teacher, run = tmp_path / "teacher", tmp_path / "run"
    assert cli.main(command(recordings, teacher, 1)) == 0
    lessons = []
    monkeypatch.setattr("keras.Model.fit", lambda self, x, y, **options: lessons.append((x, y)) or 1 / 0)
    more = ["--teacher", str(teacher), "--distillation", "1", "--augment-seed", "1"]
    with pytest.raises(ZeroDivisionError):
        cli.main(command(recordings, run, 1, *more))
    same = json.loads((teacher / "settings.json").read_text())
    shifted = np.array(same["frontend"]["feature_mean"]) + np.array(same["frontend"]["feature_std"])
    (teacher / "settings.json").write_text(
        json.dumps({**same, "frontend": {**same["frontend"], "feature_mean": shifted.tolist()}})
    )
    with pytest.raises(ZeroDivisionError):
        cli.main(command(recordings, tmp_path / "second", 1, *more))
    (inputs, _), (again, targets) = lessons
    np.testing.assert_array_equal(inputs, again)  # the model that learns keeps its own statistics
    model = load_run(teacher)[1]
    by_own, by_other = (keras.ops.softmax(model.predict(x, verbose=0)).numpy() for x in (inputs - 1, inputs))
    # Hardly trained, it answers much alike; not the same, since the int8 range is cut elsewhere.
    assert np.abs(targets - by_own).mean() < 0.1 * np.abs(targets - by_other).mean()


def test_fit_frozen_blocks_keep_their_weights_and_averages_and_the_others_learn(recordings, tmp_path, capsys):
    first, run = tmp_path / "first", tmp_path / "run"
    assert cli.main(command(recordings, first, 1)) == 0
    words = command(recordings, run, 2, "--start-from", str(first), "--frozen-blocks", "4")
    words[words.index("yes,no")] = "yes"
    assert cli.main(words) == 0
    before, after = (load_run(path)[1] for path in (first, run))
    for layer in after.layers:
        block = re.match(r"block(\d)", layer.name)
        if block and layer.get_weights():
            kept = all(map(np.array_equal, layer.get_weights(), before.get_layer(layer.name).get_weights()))
            assert kept == (int(block[1]) <= 4), layer.name
    for more, message in (
        (("--frozen-blocks", "1"), "by --start-from"),
        (("--frozen-blocks", "7", "--start-from", str(first), "--voices"), "6 blocks that can be frozen"),
        (("--frozen-blocks", "1", "--start-from", str(first), "--precision", "int8_native"), "leave out --precision"),
        (("--frozen-blocks", "-1", "--start-from", str(first)), "0 or more"),
    ):
        assert cli.main(command(recordings, tmp_path / "other", 1, *more)) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "other" / "voices").exists()  # which take minutes


def test_fit_start_from_takes_weights_and_features_but_not_another_classifier(recordings, tmp_path, monkeypatch):
    first, run = tmp_path / "first", tmp_path / "run"
    assert cli.main(command(recordings, first, 1)) == 0
    models = []
    monkeypatch.setattr("keras.Model.fit", lambda self, *_, **options: models.append(self) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(command(recordings, run, 1, "--labels", "yes", "--start-from", str(first)))
    settings, known = load_run(first)
    started = json.loads((run / "settings.json").read_text())
    assert started["frontend"] == settings["frontend"] and started["started_from"]["labels"] == settings["labels"]
    for layer in known.layers:
        for value, other in zip(layer.get_weights(), models[0].get_layer(layer.name).get_weights(), strict=True):
            assert (layer.name == "logits") == (value.shape != other.shape)
            assert layer.name == "logits" or np.array_equal(value, other)


def test_fit_start_from_a_run_with_the_labels_in_another_order_leaves_the_classifier(recordings, tmp_path, monkeypatch):
    first, run = tmp_path / "first", tmp_path / "run"
    assert cli.main(command(recordings, first, 1)) == 0
    models = []
    monkeypatch.setattr("keras.Model.fit", lambda self, *_, **options: models.append(self) or 1 / 0)
    for labels in ("yes,no", "no,yes"):
        with pytest.raises(ZeroDivisionError):
            cli.main(command(recordings, run / labels, 1, "--labels", labels, "--start-from", str(first)))
    known = load_run(first)[1].get_layer("logits").get_weights()[0]
    same, turned = (model.get_layer("logits").get_weights()[0] for model in models)
    assert np.array_equal(known, same) and not np.isclose(known, turned).any()


def test_lesson_mixes_inputs_and_targets_alike():
    recipe = Recipe(mixup=0.5, label_smoothing=0.0)
    features = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((1, 3, 1), np.float32)
    frontend = FrontendConfig(coefficients=1, feature_mean=(0.0,), feature_std=(32.0,))
    inputs, targets = training_examples(np.random.default_rng(0), features, np.arange(4), 4, frontend, recipe, None)
    np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-6)
    assert (targets > 0).sum() > 4  # something was mixed
    steps = frontend.feature_steps_per_std / 32
    np.testing.assert_allclose(
        inputs[:, 0, 0] * frontend.feature_steps_per_std, np.rint(targets @ np.arange(4) * steps)
    )


def test_weight_averaging_validates_and_keeps_the_averages(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(AveragingAdamW(0.1, use_ema=True, ema_momentum=0.5), "mse")
    model.fit(np.ones((64, 3)), np.ones((64, 2)), batch_size=8, verbose=0)
    weights = model.get_weights()
    with averaged(model):
        averages = model.get_weights()
    run = RunFolder(tmp_path, {})
    run.finish_epoch(model, {"epoch": 1, "val_accuracy": 0.5}, averaged)
    assert not np.array_equal(weights[0], averages[0])
    for name, expected in (("best.npz", averages), ("last.npz", weights)):
        with np.load(tmp_path / name) as archive:
            np.testing.assert_array_equal(archive["weight_0"], expected[0])
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])


def test_save_on_a_full_disk_is_one_line_and_keeps_the_last_epoch(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    run = RunFolder(tmp_path, {"seed": 1})
    run.finish_epoch(model, {"epoch": 1, "val_accuracy": 0.5})
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(KwsError, match="No space left on device.*last epoch is kept"):
        run.finish_epoch(model, {"epoch": 2, "val_accuracy": 0.6})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
    assert len(run.history) == 1


def test_restore_of_a_damaged_checkpoint_is_one_line(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    (tmp_path / "last.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(KwsError, match="damaged"):
        RunFolder(tmp_path, {}).restore(model)


def test_fit_into_a_run_with_other_settings_is_refused(recordings, tmp_path, capsys):
    (tmp_path / "settings.json").write_text('{"seed": 4}')
    assert cli.main(command(recordings, tmp_path, 1)) == 2
    assert "holds a run with other" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["fit", "--data", "/nowhere", "--out", "{tmp}"], "no such folder"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--epochs", "0"], "at least 1"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--learning-rate", "inf"], "learning rate above 0"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--mixup", "-1"], "mixup must be 0 or more"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--distillation", "0.5"], "Give --teacher too"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--seed", "-1"], "--seed must be 0 to"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--seed", "4294967296"], "--seed must be 0 to"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--augment-seed", "-2"], "--augment-seed must be -1 to"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--weight-decay", "-0.1"], "weight_decay must be 0 or more"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--weight-decay", "nan"], "weight_decay must be 0 or more"),
        (["fit", "--voices", "--out", "{tmp}", "--labels", " , "], "--labels names no word"),
        (["fit", "--voices", "--out", "{tmp}", "--labels", "on,off,on"], "--labels names on twice"),
        (["fit", "--voices", "--out", "{tmp}", "--labels", "on,_unknown_"], "words that begin with _ are reserved"),
        (["fit", "--voices", "--out", "{tmp}", "--voices-clips", "0"], "--voices-clips must be at least 1"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--extra-names", "list"], "Give --extra too"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--from", "{bundle}"], "is a bundle, not a run"),
        (["export", "--run", "{bundle}", "--data", "{data}", "--out", "{tmp}/b"], "is a bundle, not a run"),
        (["export", "--run", "{tmp}", "--out", "{tmp}/b", "--extra-names", "list"], "Give --extra too"),
        (["voices", "--words", "on", "--out", "{tmp}", "--seed", "-1"], "--seed must be 0 to"),
        (["conformer", "--seed", "-1"], "--seed must be 0 to"),
        (["evaluate", "{bundle}", "--test", "{data}", "--set-name", "a/b"], "--set-name names files"),
        (["evaluate", "{bundle}", "--test", "{data}", "--set-name", "x", "--out", "{file}"], "--out must be a folder"),
        (["fit", "--data", "{data}", "--out", "{tmp}", "--teacher", "{tmp}/t"], "no finished epoch"),
        (["export", "--run", "{tmp}", "--data", "{data}", "--out", "{tmp}/b"], "no finished epoch"),
        (["evaluate", "{tmp}", "--test", "{data}", "--set-name", "x"], "model.json"),
    ],
)
def test_cli_with_a_wrong_argument_says_so_in_one_line(recordings, tmp_path, capsys, arguments, message):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "model.json").write_text("{}")
    places = {"tmp": tmp_path, "data": recordings, "bundle": bundle, "file": bundle / "model.json"}
    assert cli.main([text.format(**places) for text in arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error


def test_recipe_refuses_a_distillation_out_of_range():
    with pytest.raises(KwsError, match="distillation must be 0 to 1"):
        Recipe(distillation=2)


def test_resume_with_other_clips_of_the_same_number_is_refused_but_not_for_an_older_run(tmp_path):
    clips = ClipSet(np.zeros((2, 16000), np.int16), np.array([0, 1]), ("a", "b"), ("a", "b"), (), ("_silence_", "yes"))
    others = dataclasses.replace(clips, pcm=clips.pcm + 1), dataclasses.replace(clips, labels=np.array([1, 0]))
    now = {"seed": 1, "clips_sha256": {"training": clips.sha256()}}
    RunFolder(tmp_path / "new", now)
    RunFolder(tmp_path / "old", {"seed": 1})
    for other in others:
        changed = {"seed": 1, "clips_sha256": {"training": other.sha256()}}
        with pytest.raises(KwsError, match="clips_sha256.training was"):
            RunFolder(tmp_path / "new", changed)
        RunFolder(tmp_path / "old", changed)
    RunFolder(tmp_path / "new", now)
    with pytest.raises(KwsError, match="seed was 1, is 2"):
        RunFolder(tmp_path / "old", {**now, "seed": 2})


@pytest.fixture
def untrained(tmp_path):
    """A run with settings and weights, without a history."""
    kind = architecture("matchbox")
    config, run = kind.config(4), tmp_path / "run"
    settings = {
        "architecture": "matchbox",
        "model": config.to_dict(),
        "labels": ["_silence_", "_unknown_", "yes", "no"],
    }
    RunFolder(run, {**settings, "frontend": FrontendConfig().to_dict(), "seed": 1})
    np.savez(run / "best.npz", **{f"weight_{n}": value for n, value in enumerate(kind.build(config).get_weights())})
    return run


@pytest.mark.parametrize(
    "history, message",
    [
        (None, "lists no finished epoch"),
        ("[]", "lists no finished epoch"),
        ('[{"epoch": 1, "val_acc', "is not JSON"),
        ("{}", "is no list of epochs"),
        ('[{"epoch": 1}]', "is no list of epochs"),
        ('[{"epoch": 1, "val_accuracy": "0.9"}]', "is no list of epochs"),
    ],
)
def test_export_with_a_damaged_history_says_so_before_it_converts(untrained, history, message, capsys, monkeypatch):
    monkeypatch.setattr(integer, "convert", lambda *_: pytest.fail("converted"))
    if history is not None:
        (untrained / "history.json").write_text(history)
    assert cli.main(["export", "--run", str(untrained), "--data", "/nowhere", "--out", str(untrained / "b")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and "history.json" in error and message in error


def test_export_calibrates_with_every_extra_folder(untrained, monkeypatch):
    (untrained / "history.json").write_text('[{"epoch": 1, "val_accuracy": 0.5}]')
    specs = []
    monkeypatch.setattr("kws_training.convert.export.load_clips", lambda spec: specs.append(spec) or 1 / 0)
    extra = ["--extra", "first", "--extra", "second", "--extra-names", "list"]
    with pytest.raises(ZeroDivisionError):
        cli.main(["export", "--run", str(untrained), "--data", "d", "--out", str(untrained / "b"), *extra])
    assert [(str(item.path), item.names and str(item.names)) for item in specs[0].folders] == [
        ("first", "list"),
        ("second", None),
    ]


def test_by_label_of_a_label_without_clips_is_a_dash():
    assert by_label(np.array([[0, 0], [1, 3]]), ["_silence_", "yes"]) == "_silence_ -  yes 75.0"


def test_fit_help_explains_every_option_with_its_default(capsys):
    parser = add_parser(argparse.ArgumentParser().add_subparsers())
    assert all(action.help and "see Recipe" not in action.help for action in parser._actions)
    text = " ".join(parser.format_help().split())
    for line in (
        "--epochs EPOCHS passes over an epoch's plan (AugmentConfig) (default 60, 8 with --precision)",
        "--weight-decay N of AdamW (default 0.002, 0 with --precision)",
        "--gain-low-db DB least gain (default -6)",
        "--shift-samples SAMPLES time shift, +- (1,600 = 100 ms) (default 1600)",
        "in per cent of the keyword clips (default 10, more with fewer than 5 labels)",
    ):
        assert line in text
