"""kws-train describe: what it prints, what it draws, what it refuses."""

import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")
pytest.importorskip("matplotlib", reason="Matplotlib is not installed (pip install .[training])")

import keras  # noqa: E402
import matplotlib.image  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.inspect import model_picture  # noqa: E402
from kws_training.inspect.streaming_model import describe_streaming  # noqa: E402
from kws_training.inspect.table import table  # noqa: E402
from kws_training.streaming import Delay, Stream, to_streaming  # noqa: E402

from tests.support.models import gates, memories, no_states  # noqa: E402


def small_model() -> keras.Model:
    """A centred convolution with a residual branch, a recurrent layer, and a classifier."""
    inputs = keras.Input((None, 6))
    x = Stream(layers.DepthwiseConv1D(5, padding="same", use_bias=False), name="ring")(inputs)
    x = layers.Conv1D(6, 1, name="mix")(x)
    x = layers.Add(name="sum")([x, Delay(2, name="wait")(inputs)])
    x = layers.ReLU(name="relu")(x)
    x = Stream(layers.GRU(4), name="memory")(x)
    return keras.Model(inputs, layers.Dense(3, name="scores")(x))


@pytest.fixture(scope="module")
def small():
    return describe_streaming("small", to_streaming(small_model(), 2), FrontendConfig())


def run(capsys, *arguments) -> str:
    assert cli.main(["describe", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_description_of_a_model_counts_each_layer(small):
    rows = {row.name: row for row in small.layers}
    assert rows["ring"].macs == 2 * 5 * 6 and rows["ring"].states == {"ring": (4, 1, 6)}
    assert (rows["ring"].receptive_frames, rows["ring"].delay_frames) == (5, 2)
    assert rows["wait"].state_bytes == 2 * 6
    assert rows["sum"].inputs == ("mix", "wait")
    assert rows["memory"].macs == 2 * (6 * 12 + 4 * 12)
    assert rows["scores"].macs == 4 * 3
    assert small.macs == sum(row.macs for row in small.layers)
    assert small.outputs == ("scores",)
    assert (small.latency_ms, small.delay_frames, small.run_ms) == (40.0, 2, 20.0)
    assert small.macs_per_second == 50 * small.macs


def test_table_of_a_model_states_totals_and_latency(small):
    lines = table(small).splitlines()
    total = next(line.split() for line in lines if line.startswith("total"))
    assert total[1:] == [
        f"{n:,}" for n in (small.parameters, small.macs, small.state_elements, 4 * small.state_elements)
    ]
    assert "Algorithmic latency 40 ms: step 20 ms, delay 20 ms." in lines


def test_describe_of_a_model_prints_the_published_matchbox(capsys):
    text = run(capsys, "matchbox")
    assert "6.92 million MACs per second" in text
    assert next(line.split() for line in text.splitlines() if line.startswith("total"))[1:3] == ["73,220", "138,480"]


def test_describe_of_a_bundle_reads_its_tflite(capsys, bundle_path):
    found = json.loads(run(capsys, bundle_path, "--json"))
    manifest = json.loads((bundle_path / "model.json").read_text())
    assert found["form"] == "bundle"
    assert found["macs"] == 138_480
    assert found["model_bytes"] == (bundle_path / "model.tflite").stat().st_size
    states = {name: [1, *shape] for row in found["layers"] for name, shape in row["states"].items()}
    assert states == {state["name"]: state["shape"] for state in manifest["states"]}
    assert sum(row["state_bytes"] for row in found["layers"]) == sum(np.prod(shape) for shape in states.values())


def test_describe_of_states_inside_of_operators_counts_them(capsys, tmp_path):
    gates().write(tmp_path / "bundle")
    rows = {row["name"]: row for row in json.loads(run(capsys, tmp_path / "bundle", "--json"))["layers"]}
    layer = rows["1 UNIDIRECTIONAL_SEQUENCE_LSTM"]
    assert layer["macs"] == 2 * 4 * 12 * (10 + 12) and layer["state_bytes"] == 12 + 24
    memories().write(tmp_path / "other")
    rows = {row["name"]: row for row in json.loads(run(capsys, tmp_path / "other", "--json"))["layers"]}
    assert (rows["1 SVDF"]["macs"], rows["1 SVDF"]["state_bytes"]) == (11 * 20 + 11 * 21, 2 * 11 * 21)


def test_describe_of_a_damaged_bundle_ends_in_one_line(capsys, tmp_path):
    """Any bit may be wrong: either the file can still be read to its end, or one line says that it cannot."""
    builder = no_states()
    good = builder.write(tmp_path / "good").model
    for position in np.random.default_rng(5).integers(8, len(good), 150):
        model = bytearray(good)
        model[position] ^= 1 << (position % 8)
        builder.write(tmp_path / "bundle", model=bytes(model))
        status = cli.main(["describe", str(tmp_path / "bundle")])
        err = capsys.readouterr().err
        assert (status, err.count("\n")) in ((0, 0), (2, 1)), err


def test_describe_of_a_run_with_other_steps_doubles_the_macs(capsys, bundle_path):
    found = json.loads(run(capsys, bundle_path, "--as-run", "--frames-per-step", 4, "--json"))
    assert found["form"] == "streaming" and found["run_ms"] == 40.0
    classifier = 128 * 12
    assert found["macs"] - classifier == 2 * (138_480 - classifier)


def test_describe_of_a_batch_model_says_why_it_does_not_stream(capsys):
    text = run(capsys, "mhatt_rnn")
    assert "It does not stream: bidirectional1" in text
    # 98 frames of two directions, three gates: input 40 and own state 128.
    assert f"{98 * 2 * 3 * 128 * (40 + 128):,}" in text


@pytest.mark.parametrize("target", ["matchbox_noncausal", "bundle", "small"])
def test_picture_is_drawn_with_every_box_inside(target, small, bundle_path, tmp_path, capsys):
    path = tmp_path / "pictures" / "model.png"
    if target == "small":
        path.parent.mkdir()
        model_picture.draw(small, path)
    else:
        run(capsys, bundle_path if target == "bundle" else target, "--out", path)
    image = matplotlib.image.imread(path)[:, :, :3]
    assert min(image.shape[:2]) > 300
    edge = np.concatenate([image[:5].reshape(-1, 3), image[-5:].reshape(-1, 3), image[:, -5:].reshape(-1, 3)])
    assert (edge == 1).all()  # nothing is cut off
    assert (image < 1).any(-1).mean() > 0.05


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing"], "neither a folder nor a model. Give a bundle, a run folder, one of matchbox"),
        (["matchbox", "--frames-per-step", "0"], "must be at least 1. Received: 0."),
        (["matchbox", "--out", "model.jpg"], "must end with .png. Received: model.jpg."),
        (["matchbox", "--as-run"], "--as-run is for folders"),
        (["transformer", "--frames-per-step", "1"], "stride 2 does not divide the 1 frames"),
        (["mhatt_rnn", "--frames-per-step", "2"], "cannot stream"),
        (["{bundle}", "--frames-per-step", "2"], "a bundle has its step built in"),
        (["{empty}"], "holds no finished epoch"),
    ],
)
def test_describe_of_bad_input_ends_in_one_line(arguments, message, capsys, bundle_path, tmp_path):
    arguments = [argument.format(bundle=bundle_path, empty=tmp_path) for argument in arguments]
    assert cli.main(["describe", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error
