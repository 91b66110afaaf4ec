"""An int8 file computes in integers only, whatever the model is made of, or says what it does not."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, ops  # noqa: E402
from kws_codegen import cli as codegen  # noqa: E402
from kws_reference.bundle import Bundle, write_bundle  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_reference.network.oracle import Network  # noqa: E402
from kws_training.convert.float import dynamic_tflite, float_tflite  # noqa: E402
from kws_training.convert.float_operators import FloatOperator, float_operators  # noqa: E402
from kws_training.convert.integer import convert  # noqa: E402
from kws_training.convert.manifest import manifest  # noqa: E402
from kws_training.convert.runner import TfliteRunner  # noqa: E402
from kws_training.convert.trial import check_runs  # noqa: E402
from kws_training.streaming import Stream, StreamingLayer, to_streaming  # noqa: E402
from tflite_micro import runtime  # noqa: E402

from tests.support.models import GraphBuilder  # noqa: E402
from tests.support.tflite_writer import write  # noqa: E402

SCALE, FRAMES, LENGTH = 1 / 32, 4, 24
RECORDINGS = np.clip(np.rint(np.random.default_rng(0).normal(size=(4, LENGTH, 8)) * 40), -128, 127).astype(np.int8)

# The state of the first layer reaches as far as the features: their ranges are one, and the quantizer joins them.
LOUD = np.random.default_rng(0).integers(-128, 128, (4, LENGTH, 8)).astype(np.int8)


def model_of(layer):
    """A small model with `layer` behind a convolution or at its beginning."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((LENGTH, 8))
    x = layer(inputs)
    x = Stream(layers.GlobalAveragePooling1D(), window=int(x.shape[1]))(layers.Dense(8, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(3)(x))


def behind_a_convolution(layer):
    return model_of(lambda x: layer(Stream(layers.Conv1D(8, 3), name="conv")(x)))


LEFT_IN_FLOAT = {
    "elu": (lambda: layers.ELU(name="soft"), ["ELU"]),
    "log_sigmoid": (lambda: layers.Activation("log_sigmoid"), ["NEG", "NEG"]),
    "layer_normalization": (lambda: layers.LayerNormalization(name="norm"), ["NEG"]),
    "rms_normalization": (lambda: layers.RMSNormalization(), ["SQUARE"]),
}


@pytest.mark.parametrize("name", LEFT_IN_FLOAT)
def test_convert_layer_without_integers_is_refused_by_its_tensor(name):
    layer, kinds = LEFT_IN_FLOAT[name]
    streaming = to_streaming(behind_a_convolution(layer()), FRAMES)
    with pytest.raises(
        KwsError, match=rf"leaves {len(kinds)} operators? in float \({kinds[0]} '.*allow float operators"
    ):
        convert(streaming, RECORDINGS, SCALE)


def test_convert_layer_without_integers_can_be_allowed_and_the_bundle_says_so(bundle_path, tmp_path, capsys):
    streaming = to_streaming(behind_a_convolution(layers.ELU(name="soft")), FRAMES)
    found = convert(streaming, RECORDINGS, SCALE, allow_float=True)
    assert list(found.float_operators) == float_operators(found.data)
    assert [item.kind for item in found.float_operators] == ["ELU"] and "soft" in found.float_operators[0].tensor

    features = {"coefficients": 8, "feature_mean": [0.0] * 8, "feature_std": [1.0] * 8}
    frontend = FrontendConfig.from_dict({**Bundle.load(bundle_path).frontend.to_dict(), **features})
    about = {"accuracy": {}, "provenance": {}, "tools": {}}
    text = manifest("soft", ["_silence_", "_unknown_", "yes"], frontend, FRAMES, found, **about)
    bundle = write_bundle(tmp_path / "soft", found.data, text)
    assert bundle.manifest["float_operators"] == [{"kind": "ELU", "tensor": found.float_operators[0].tensor}]
    scores = [Network(bundle).step(RECORDINGS[0, :FRAMES]) for _ in range(2)]
    assert np.array_equal(*scores)
    assert codegen.main(["generate", str(bundle.path), "--out", str(tmp_path / "code")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


class Residual(StreamingLayer):
    """A convolution that keeps frames, and beside it one that keeps none."""

    def __init__(self, stride):
        super().__init__()
        self.stride = stride
        self.main = Stream(layers.Conv1D(24, 3, strides=stride))
        self.short = Stream(layers.Conv1D(24, 1, strides=stride))

    def call(self, x):
        return ops.relu(self.main(x) + self.short(x))

    def stream_inference(self, x, states):
        main, new = self.main.stream_inference(x, states["main"])
        return ops.relu(main + self.short.stream_inference(x, {})[0]), {"main": new}


def functional_residual(stride):
    def call(x):
        main = Stream(layers.Conv1D(24, 3, strides=stride), name="main")(x)
        return layers.ReLU()(layers.Add()([main, Stream(layers.Conv1D(24, 1, strides=stride), name="short")(x)]))

    return call


@pytest.mark.parametrize("stride, recordings", [(1, LOUD), (2, LOUD), (2, RECORDINGS)])
def test_convert_residual_of_a_subclass_has_the_integers_of_its_functional_twin(stride, recordings):
    model, twin = model_of(Residual(stride)), model_of(functional_residual(stride))
    for to, weight in zip(twin.weights, model.weights, strict=True):
        to.assign(weight)
    answers = []
    for streaming in (to_streaming(model, FRAMES), to_streaming(twin, FRAMES)):
        data = convert(streaming, recordings, SCALE).data
        assert float_operators(data) == []
        answers.append(TfliteRunner(data, streaming.state_specs).stream(recordings)[0])
    assert np.array_equal(*answers) and len(np.unique(answers[0])) > 20


class Joined(Residual):
    """Two convolutions that keep frames, one behind the other: the next layer joins what they give with its state."""

    def __init__(self, stride):
        super().__init__(stride)
        self.short = Stream(layers.Conv1D(8, 2, strides=stride))

    def call(self, x):
        return ops.concatenate([self.main(x), self.short(x)], -1)

    def stream_inference(self, x, states):
        new = {}
        main, new["main"] = self.main.stream_inference(x, states["main"])
        short, new["short"] = self.short.stream_inference(x, states["short"])
        return ops.concatenate([main, short], -1), new


def test_convert_residual_behind_a_join_is_full_integer():
    streaming = to_streaming(model_of(lambda x: Residual(1)(Joined(2)(x))), FRAMES)
    data = convert(streaming, LOUD, SCALE).data
    assert float_operators(data) == []
    wanted = streaming.stream(LOUD * np.float32(SCALE))
    got = TfliteRunner(data, streaming.state_specs).stream(LOUD)[0][:, -1]
    # Of the largest score: int8 of weights and activations in five layers of random weights; a wrong one gives noise.
    assert np.abs(got - wanted).max() < 0.3 * np.abs(wanted).max()


def test_convert_layers_that_the_converter_knows_stay_accepted():
    def call(x):
        x = layers.Activation("softplus")(layers.Activation("gelu")(x))
        return Stream(layers.GRU(6, return_sequences=True), name="gru")(layers.Softmax()(x))

    data = convert(to_streaming(behind_a_convolution(call), FRAMES), RECORDINGS, SCALE).data
    assert float_operators(data) == []


def micro_scores(found, features):
    """What TFLite Micro gives for the steps of a clip, as integers."""
    interpreter = runtime.Interpreter.from_bytes(found.data)
    states, scores = {state.name: np.full(state.shape, state.reset_value, np.int8) for state in found.states}, []
    for step in features.reshape(-1, *found.features.shape):
        interpreter.set_input(step, found.features.index)
        for state in found.states:
            interpreter.set_input(states[state.name], state.input_index)
        interpreter.invoke()
        states = {state.name: interpreter.get_output(state.output_index) for state in found.states}
        scores.append(interpreter.get_output(found.scores.index).ravel().astype(int))
    return np.array(scores)


def litert_scores(found, streaming, features):
    real = TfliteRunner(found.data, streaming.state_specs).stream(features)[0].reshape(-1, found.scores.shape[-1])
    return np.rint(real / found.scores.scale).astype(int) + found.scores.zero_point


@pytest.mark.parametrize("scale", [1 / 32, 1 / 16])  # features up to 4 and to 8
def test_convert_relu6_that_no_convolution_takes_in_is_the_same_in_tflite_micro(scale):
    streaming = to_streaming(model_of(layers.ReLU(6.0)), FRAMES)
    found = convert(streaming, LOUD, scale)
    for clip in LOUD:
        scores = micro_scores(found, clip)
        # One step: XNNPACK rounds ties otherwise. Without the output's scale, scores are off by dozens.
        assert np.abs(scores - litert_scores(found, streaming, clip)).max() <= 1 and len(np.unique(scores)) > 8


def test_convert_file_that_only_the_delegate_refuses_is_taken():
    never = keras.initializers.Constant(-100.0)  # a ReLU that never opens: XNNPACK takes no scale as small as its
    streaming = to_streaming(model_of(layers.Dense(8, activation="relu", bias_initializer=never)), FRAMES)
    found = convert(streaming, LOUD, SCALE)
    assert np.array_equal(micro_scores(found, LOUD[0]), litert_scores(found, streaming, LOUD[0]))


def test_float_operators_of_float_and_dynamic_files_are_all_named():
    streaming = to_streaming(behind_a_convolution(layers.ReLU()), FRAMES)
    for data in (float_tflite(streaming), dynamic_tflite(streaming)):
        assert {"CONV_2D", "CONCATENATION", "FULLY_CONNECTED"} <= {item.kind for item in float_operators(data)}


@pytest.mark.parametrize("dtype, name", [("FLOAT32", "x"), ("FLOAT16", "x")])
def test_float_operators_a_lone_conversion_is_named(dtype, name):
    b = GraphBuilder(0)
    source, sink = b.input("features", (1, 4), SCALE), b.tensor(name, (1, 4), None, dtype=dtype)
    b.outputs.append(b.op("DEQUANTIZE", [source], sink))
    assert float_operators(write(b.graph())) == [FloatOperator("DEQUANTIZE", name)]


class Inverse(StreamingLayer):
    """TFLite has no operator for it."""

    def call(self, x):
        return x + tf.linalg.det(tf.matmul(x, x, transpose_a=True))[:, None, None]

    def stream_inference(self, x, states):
        return self.call(x), {}


def test_converter_that_fails_is_one_line_with_its_cause():
    streaming = to_streaming(model_of(Inverse()), FRAMES)
    with pytest.raises(KwsError, match="converter fails: .*MatrixDeterminant"):
        float_tflite(streaming)


def test_check_runs_file_that_no_interpreter_takes_is_refused():
    b = GraphBuilder(0)
    x = b.input("features", (1, 4, 1, 8), SCALE)
    b.outputs.append(b.reshape("rows", x, (1, 5, 1, 8)))
    with pytest.raises(KwsError, match="does not run in LiteRT: .*(RESHAPE|reshape)"):
        check_runs(write(b.graph()))
