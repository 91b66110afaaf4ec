"""Runs of a model of somebody's own: what they keep, how they go on, and what they are refused."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from kws_reference.bundle import Bundle  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.streaming import Stream  # noqa: E402
from kws_training.train.pooled_model import PooledModel  # noqa: E402
from kws_training.train.trained_run import load_run  # noqa: E402

from tests.support.tones import write_tones  # noqa: E402

FILE = """
import keras
from keras import layers
from kws_training.streaming import Stream


def build(labels, coefficients):
    features = keras.Input((None, coefficients))
    x = Stream(layers.Conv1D(6, 5, activation="relu"), name="conv")(features)
    x = Stream(layers.GRU(5, reset_after=False), name="memory")(x)
    return keras.Model(features, layers.Dense(labels)(layers.Dropout(0.1)(x)))
"""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("speech_commands"), speakers=10)


def fit(recordings, run, *more, labels="yes,no"):
    data = ["--data", str(recordings), "--labels", labels, "--unknown-percent", "50", "--workers", "0"]
    return cli.main(["fit", *data, "--out", str(run), "--epochs", "1", "--batch", "8", *map(str, more)])


@pytest.fixture(scope="module")
def run(recordings, tmp_path_factory):
    """A run whose file is no more where it was."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_model.py").write_text(FILE)
    assert fit(recordings, folder / "run", "--model", f"{folder / 'my_model.py'}:build") == 0
    (folder / "my_model.py").unlink()
    return folder / "run"


def refused(capsys) -> str:
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("error: ")
    return line


def test_run_of_an_own_model_keeps_its_file_and_is_rebuilt_by_it(run):
    assert (run / "my_model.py").read_text() == FILE
    settings, model = load_run(run)
    assert settings["architecture"] == "my_model.py:build" and settings["frames_per_step"] == 2
    assert settings["recipe"]["dropout"] == 0.0 and settings["model"]["labels"] == 4
    _, again = load_run(run)
    clips = np.random.default_rng(1).normal(size=(2, 98, 40)).astype(np.float32)
    assert np.array_equal(model(clips), again(clips)) and np.abs(model(clips)).max() > 0


def test_run_of_an_own_model_goes_on_with_its_copy_and_not_with_another_file(run, recordings, capsys, tmp_path):
    history = (run / "history.json").read_text()
    assert fit(recordings, run, "--model", f"{run / 'my_model.py'}:build") == 0
    assert (run / "history.json").read_text() == history
    (tmp_path / "my_model.py").write_text(FILE.replace("6", "7"))
    assert fit(recordings, run, "--model", f"{tmp_path / 'my_model.py'}:build") == 2
    assert "holds a run with other settings (model.sha256 was" in refused(capsys)
    assert (run / "my_model.py").read_text() == FILE


def test_run_whose_file_was_changed_is_refused(run, tmp_path):
    for name in ("settings.json", "last.npz"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    (tmp_path / "my_model.py").write_text(FILE.replace("6", "7"))
    with pytest.raises(KwsError, match="my_model.py is not the file that the run was trained with"):
        load_run(tmp_path)
    (tmp_path / "my_model.py").unlink()
    with pytest.raises(KwsError, match=r"my_model.py cannot be read \(No such file"):
        load_run(tmp_path)


@pytest.mark.parametrize("labels, kept", [("no,yes", 5), ("yes,no", 7), ("yes", 5)])
def test_fit_start_from_an_own_model_takes_all_weights_but_those_of_other_labels(
    run, recordings, tmp_path, monkeypatch, labels, kept
):
    given = []
    monkeypatch.setattr(
        "kws_training.train.fit.train",
        lambda *args, **options: given.append(args[3]) or {"epoch": 1, "val_accuracy": 0.0},
    )
    assert fit(recordings, tmp_path / "next", "--start-from", run, labels=labels) == 0
    pairs = zip(load_run(run)[1].get_weights(), given[0].get_weights(), strict=True)
    assert [before.shape == after.shape and np.array_equal(before, after) for before, after in pairs] == [
        *[True] * 5,
        *[kept == 7] * 2,
    ]
    assert (tmp_path / "next/my_model.py").read_text() == FILE


@pytest.mark.parametrize(
    "more, message",
    [
        (["--model", "{other}:build"], "was trained with another my_model.py:build. Leave out --model"),
        (["--model", "mixednet"], "holds a my_model.py:build, not a mixednet"),
        (["--dropout", "0.2"], "my_model.py:build says itself what is dropped. Leave out --dropout"),
        (["--precision", "int8_fake"], "memory (Stream of GRU) cannot be trained in integers: it must reset after"),
        (["--speech", "{folder}"], "a my_model.py:build does not end in a mean over its last frames"),
        (["--frozen-blocks", "1"], "has 0 blocks that can be frozen"),
    ],
)
def test_fit_of_an_own_model_with_what_it_cannot_have_is_one_line(run, recordings, tmp_path, capsys, more, message):
    (tmp_path / "my_model.py").write_text(FILE.replace("6", "7"))
    words = [word.format(other=tmp_path / "my_model.py", folder=tmp_path) for word in more]
    assert fit(recordings, tmp_path / "next", "--start-from", run, *words) == 2
    assert message in refused(capsys)
    assert not (tmp_path / "next").exists()


def test_export_of_an_own_model_streams_by_name_and_refuses_what_no_precision_has(run, recordings, tmp_path, capsys):
    arguments = ["export", "--run", str(run), "--data", str(recordings), "--out", str(tmp_path / "bundle")]
    assert cli.main([*arguments, "--precision", "int4_fake"]) == 2
    message = refused(capsys)
    assert message.startswith("error: memory (Stream of GRU) cannot be trained in integers: it must reset after")
    assert message.endswith("Or export the float run with --precision ptq.")
    assert cli.main([*arguments, "--calibration-clips", "4"]) == 0
    bundle = Bundle.load(tmp_path / "bundle")
    assert [(state.name, state.shape) for state in bundle.states] == [("conv", (1, 4, 1, 40)), ("memory_h", (1, 5))]
    assert (
        bundle.manifest["provenance"]["settings"]["model"]["sha256"]
        == json.loads((run / "settings.json").read_text())["model"]["sha256"]
    )
    evaluate = ["evaluate", str(tmp_path / "bundle"), "--run", str(run), "--test", str(recordings), "--set-name", "x"]
    capsys.readouterr()
    assert cli.main([*evaluate, "--limit", "6"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["architecture"] == "my_model.py:build" and printed["float_batch"] == printed["float_streaming"]


def test_export_of_an_own_model_as_dynamic_is_written(run, tmp_path, capsys):
    assert cli.main(["export", "--run", str(run), "--out", str(tmp_path), "--precision", "dynamic"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == (tmp_path / "model.tflite").stat().st_size > 1000


# Among speech


def pooled(around: bool) -> keras.Model:
    features = keras.Input((None, 40))
    x = Stream(layers.Conv1D(6, 5, activation="relu"))(features)
    x = Stream(layers.GRU(5, return_sequences=True))(x)
    x = Stream(layers.GlobalAveragePooling1D(), window=98, name="pool")(x)
    if around:
        y = Stream(layers.GRU(5, return_sequences=True))(features)
        x = layers.Add()([x, Stream(layers.GlobalMaxPooling1D(), window=98)(y)])
    return keras.Model(features, layers.Dense(3)(x))


def test_moments_of_a_scene_by_an_own_model_equal_the_model_on_what_was_heard():
    model = pooled(around=False)
    scenes = np.random.default_rng(1).normal(size=(2, 198, 40)).astype(np.float32)
    heard = PooledModel(model, "my_model.py:build").moments(tf.constant(scenes), (98, 150))
    for moment, end in enumerate((98, 150)):
        # Products of other shapes add up in another order.
        np.testing.assert_allclose(heard[:, moment], model(scenes[:, :end]), atol=2e-5)


def test_an_own_model_with_a_way_around_its_pool_is_refused_by_name():
    with pytest.raises(KwsError, match="a my_model.py:build does not end in a mean .* that everything goes through"):
        PooledModel(pooled(around=True), "my_model.py:build")
