"""The models by name: sizes, causality, configurations, and how they are trained and evaluated."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.models import ARCHITECTURES, FRAMES_PER_STEP, architecture  # noqa: E402
from kws_training.streaming import to_streaming  # noqa: E402
from kws_training.train.run_files import BEST, SETTINGS  # noqa: E402
from kws_training.train.run_folder import RunFolder  # noqa: E402
from kws_training.train.trained_run import load_run  # noqa: E402

from tests.support.tones import write_tones  # noqa: E402

PARAMETERS = {
    "matchbox": 73_220,
    "matchbox_noncausal": 73_220,
    "mhatt_rnn": 758_407,
    "mixednet": 63_156,
}
CAUSAL = ("matchbox", "mixednet")


def features(clips, seed=0):
    return np.random.default_rng(seed).normal(size=(clips, 98, 40)).astype(np.float32)


@pytest.mark.parametrize("name", PARAMETERS)
def test_build_by_name_has_the_documented_size_and_a_logit_for_each_label(name):
    kind = architecture(name)
    model = kind.build(kind.config(labels=12))
    assert model.count_params() == PARAMETERS[name]
    small = kind.build(kind.config(labels=5))
    assert small(features(2)).shape == (2, 5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_config_through_json_is_the_same(name):
    kind = architecture(name)
    config = kind.config(labels=7)
    assert kind.config_from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.labels == 7 and config.dropout == 0.0


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_model_sees_nothing_of_later_frames(name):
    kind = architecture(name)
    model = kind.build(kind.config(labels=4))
    rows = keras.Model(model.input, model.get_layer("pool").input)
    clips = features(2)
    changed = clips.copy()
    changed[:, 60:] += 1.0
    before, after = (rows(values).numpy() for values in (clips, changed))
    cut = 60 * before.shape[1] // 98
    assert np.array_equal(before[:, :cut], after[:, :cut])
    assert not np.array_equal(before[:, cut], after[:, cut])


def test_mixednet_streaming_step_has_less_than_half_the_macs_of_matchbox():
    macs = {}
    for name in CAUSAL:
        kind = architecture(name)
        macs[name] = sum(row.macs for row in to_streaming(kind.build(kind.config(12)), FRAMES_PER_STEP).rows())
    assert macs["mixednet"] == 60_328 < 0.5 * macs["matchbox"]


def test_noncausal_matchbox_sees_later_frames():
    kind = architecture("matchbox_noncausal")
    model = kind.build(kind.config(labels=4))
    rows = keras.Model(model.input, model.get_layer("pool").input)
    clips = features(1)
    changed = clips.copy()
    changed[:, 60:] += 1.0
    assert not np.array_equal(rows(clips).numpy()[:, 59], rows(changed).numpy()[:, 59])


def test_mhatt_rnn_asks_with_the_middle_frame_of_the_second_recurrent_layer():
    kind = architecture("mhatt_rnn")
    model = kind.build(kind.config(labels=4))
    inner = keras.Model(model.input, [model.get_layer("bidirectional2").output, model.get_layer("query").output])
    rows, query = (value.numpy() for value in inner(features(2)))
    kernel, bias = model.get_layer("query").get_weights()
    # float32 sums of 256 terms in another order
    np.testing.assert_allclose(query, rows[:, 49] @ kernel + bias, atol=1e-5)


def test_architecture_of_an_unknown_name_lists_those_there_are():
    with pytest.raises(KwsError, match="'wavenet'.*matchbox_noncausal"):
        architecture("wavenet")


# Runs


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("speech_commands"), speakers=24)


def fit(recordings, run, *more):
    arguments = ["fit", "--data", str(recordings), "--labels", "yes,no", "--out", str(run), "--epochs", "1"]
    return cli.main([*arguments, "--batch", "16", "--seed", "5", "--unknown-percent", "50", *more])


@pytest.fixture(scope="module")
def small_run(recordings, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "mixednet"
    assert fit(recordings, run, "--model", "mixednet") == 0
    return run


def test_fit_model_records_its_name_and_load_run_rebuilds_it(small_run):
    settings, model = load_run(small_run)
    assert settings["architecture"] == "mixednet" and settings["frames_per_step"] == 2
    assert settings["model"]["blocks"][0] == {"filters": 128, "kernel": 9}
    assert model.name == "mixednet" and model.output_shape == (None, 4)


def test_fit_takes_the_recipe_of_its_model_unless_a_flag_says_otherwise(recordings, tmp_path, monkeypatch):
    recipes = []
    monkeypatch.setattr(
        "kws_training.train.fit.train",
        lambda *args, **options: recipes.append(args[5]) or {"epoch": 1, "val_accuracy": 0.0},
    )
    assert fit(recordings, tmp_path / "own", "--model", "mhatt_rnn") == 0
    assert fit(recordings, tmp_path / "flag", "--model", "mhatt_rnn", "--learning-rate", "0.25") == 0
    assert (recipes[0].learning_rate, recipes[0].dropout, recipes[0].epochs) == (1e-3, 0.2, 1)
    assert (recipes[1].learning_rate, recipes[1].dropout) == (0.25, 0.2)


def test_fit_of_an_unknown_model_is_one_line(recordings, tmp_path, capsys):
    assert fit(recordings, tmp_path, "--model", "wavenet") == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-1].startswith("error: no model is called 'wavenet'") and "mixednet" in error[-1]
    assert not (tmp_path / SETTINGS).exists()


def test_load_run_without_an_architecture_is_a_matchbox(tmp_path):
    kind = architecture("matchbox")
    config = kind.config(labels=3)
    values = {key: value for key, value in config.to_dict().items() if key != "causal"}
    RunFolder(tmp_path, {"model": values, "labels": ["_silence_", "_unknown_", "yes"]})
    model = kind.build(config)
    np.savez(tmp_path / BEST, **{f"weight_{index}": value for index, value in enumerate(model.get_weights())})
    settings, loaded = load_run(tmp_path)
    assert settings["architecture"] == "matchbox" and settings["frames_per_step"] == 2
    clips = features(2)
    assert np.array_equal(model(clips).numpy(), loaded(clips).numpy())


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"architecture": "wavenet", "model": {}}, "no model is called"),
        ({"architecture": "mixednet", "model": {"labels": 3, "blocks": [], "heads": 2}}, "is damaged"),
        ({"architecture": "mixednet"}, "is damaged"),
    ],
)
def test_load_run_of_settings_that_fit_no_model_is_one_line(tmp_path, settings, message):
    (tmp_path / SETTINGS).write_text(json.dumps(settings))
    (tmp_path / BEST).write_bytes(b"")
    with pytest.raises(KwsError, match=message):
        load_run(tmp_path)


# Evaluation of a run that has no bundle


def test_evaluate_of_a_run_gives_the_two_float_rows(recordings, small_run, tmp_path, capsys):
    arguments = ["evaluate", "--run", str(small_run), "--test", str(recordings), "--set-name", "tones"]
    assert cli.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["clips"] == 72 and printed["float_batch"] == printed["float_streaming"]
    result = json.loads((tmp_path / "out/evaluation_tones.json").read_text())
    assert result["architecture"] == "mixednet" and result["labels"] == ["_silence_", "_unknown_", "yes", "no"]
    assert np.sum(result["float_streaming"]["confusion"]) == 72 and "int8_streaming" not in result


def test_evaluate_without_a_word_leaves_its_folder_out(recordings, small_run, tmp_path, capsys):
    arguments = ["evaluate", "--run", str(small_run), "--test", str(recordings), "--set-name", "two"]
    assert cli.main([*arguments, "--out", str(tmp_path), "--without", "cat"]) == 0
    confusion = np.array(json.loads((tmp_path / "evaluation_two.json").read_text())["float_batch"]["confusion"])
    assert confusion.sum(1).tolist() == [0, 0, 24, 24]


def test_evaluate_of_a_model_that_cannot_stream_says_so(recordings, tmp_path, capsys):
    kind = architecture("mhatt_rnn")
    small = {**kind.config(4).to_dict(), "units": 4, "heads": 2}
    model = kind.build(kind.config_from_dict(small))
    frontend = FrontendConfig(feature_mean=(0.0,) * 40, feature_std=(1.0,) * 40).to_dict()
    labels = ["_silence_", "_unknown_", "yes", "no"]
    RunFolder(tmp_path, {"architecture": "mhatt_rnn", "model": small, "labels": labels, "frontend": frontend})
    np.savez(tmp_path / BEST, **{f"weight_{index}": value for index, value in enumerate(model.get_weights())})
    arguments = ["evaluate", "--run", str(tmp_path), "--test", str(recordings), "--set-name", "tones", "--limit", "8"]
    assert cli.main(arguments) == 0
    assert "batch only: " in capsys.readouterr().err
    result = json.loads((tmp_path / "evaluation_tones.json").read_text())
    assert "float_streaming" not in result and "bidirectional1" in result["batch_only"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--test", "{data}"], "Give a bundle, or a run"),
        (["--run", "{run}", "--validation", "{data}", "--without", "cat"], "--without chooses clips of --test"),
        (["--run", "{run}", "--test", "{data}", "--without", "cat,dog"], "no clips of dog"),
        (["--run", "{run}", "--test", "{data}", "--without", "yes,no,cat"], "leaves no clip"),
    ],
)
def test_evaluate_with_a_wrong_argument_is_one_line(recordings, small_run, capsys, arguments, message):
    words = [text.format(data=recordings, run=small_run) for text in arguments]
    assert cli.main(["evaluate", *words, "--set-name", "x"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error
