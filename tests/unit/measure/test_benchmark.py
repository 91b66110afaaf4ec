"""kws-train benchmark: what it reports. How long something takes is never tested."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
from keras import layers  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.convert.runner import TfliteRunner  # noqa: E402
from kws_training.measure import benchmark  # noqa: E402
from kws_training.streaming import Stream  # noqa: E402

SECONDS = 0.01


def small_model(bidirectional: bool = False) -> keras.Model:
    inputs = keras.Input((98, 40), name="features")
    if bidirectional:
        x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(inputs)
        x = layers.GlobalAveragePooling1D()(x)
    else:
        x = Stream(layers.DepthwiseConv1D(3), name="ring")(inputs)
        x = layers.ReLU()(x)
        x = Stream(layers.GlobalAveragePooling1D(), window=98, name="pool")(x)
    return keras.Model(inputs, layers.Dense(4)(x))


def test_measure_of_a_streaming_model_reports_its_three_forms():
    result = benchmark.measure("small", small_model(), FrontendConfig(), 2, SECONDS)
    assert result["parameters"] == 3 * 40 + 40 + 40 * 4 + 4
    assert result["macs_per_step"] == 2 * 3 * 40 + 40 * 4
    assert result["state_bytes"] == 2 * 40 + 48 * 40
    assert (result["step_ms"], result["delay_ms"]) == (20.0, 0.0)
    for form in ("batch", "streaming_float", "streaming_int8"):
        assert result[form]["runs"] >= 20 and result[form]["model_bytes"] > 0
        assert 0 < result[form]["fastest_ms"] <= result[form]["median_ms"]


def test_measure_of_a_batch_model_says_why_it_does_not_stream():
    result = benchmark.measure("small", small_model(bidirectional=True), FrontendConfig(), 2, SECONDS)
    assert "backward half" in result["batch_only"]
    assert result["macs_per_clip"] == 98 * 2 * 3 * 3 * (40 + 3) + 6 * 4
    assert "streaming_float" not in result


@pytest.mark.parametrize("bidirectional", [False, True])
def test_batch_tflite_equals_the_model(bidirectional):
    model = small_model(bidirectional)
    features = np.random.default_rng(0).standard_normal((1, 98, 40)).astype(np.float32)
    (found,) = TfliteRunner(benchmark.batch_tflite(model, 98), ()).step(features)
    # float32 sums of up to 98 terms in another order
    assert np.abs(found - model(features).numpy()).max() < 1e-5


def test_benchmark_of_a_run_writes_its_table_as_json(bundle_path, tmp_path, capsys):
    path = tmp_path / "results" / "benchmark.json"
    assert cli.main(["benchmark", str(bundle_path / "float"), "--seconds", str(SECONDS), "--json", str(path)]) == 0
    result = json.loads(path.read_text())
    assert result["threads"] == 1 and result["cores"] >= 1 and result["calibration"] == "random features"
    assert result["models"]["float"]["macs_per_step"] == 138_480
    assert "138,480" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing"], "neither a folder nor a model"),
        (["matchbox", "--seconds", "0"], "--seconds must be above 0"),
        (["{empty}"], "holds no finished epoch"),
        (["{released}"], "trained as int8_native: it has no float model"),
    ],
)
def test_benchmark_of_bad_input_ends_in_one_line(arguments, message, tmp_path, bundle_path, capsys):
    words = [argument.format(empty=tmp_path, released=bundle_path) for argument in arguments]
    assert cli.main(["benchmark", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error
