"""Quantization-aware training of any model: its integers are the device's, and what has none is refused by name."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.frontend.wanted import wanted_frontend  # noqa: E402
from kws_reference.tflite import fixed_point  # noqa: E402
from kws_reference.tflite.reader import read  # noqa: E402
from kws_training.measure import native_exactness  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.quantize import integer, start  # noqa: E402
from kws_training.quantize.layers import QuantizedLinear  # noqa: E402
from kws_training.quantize.model import to_tflite  # noqa: E402
from kws_training.quantize.precision import precision as precision_named  # noqa: E402
from kws_training.streaming import Stream, StreamingLayer, to_streaming  # noqa: E402

from tests.support import quantizable_models as models  # noqa: E402
from tests.support.streaming import randomize  # noqa: E402

NATIVE = [
    ("flattened", "int8_native"),
    ("planar", "int4_dw8_native"),
    ("subclassed", "int8_native"),
    ("ds_cnn", "int8_native"),
]


@pytest.mark.parametrize("name, precision", NATIVE)
def test_native_forward_of_a_model_equals_streaming_and_tflite_micro(name, precision, tmp_path):
    floating, features = models.floating(name), models.clips(6, seed=2)
    model = models.quantized(floating, precision)
    wanted = model.predict(models.real(features), verbose=0)
    real = np.asarray(floating(models.real(features)))
    # Of random weights: a few steps of 255 of the largest logit at 8 bits, some per cent at 4.
    assert np.abs(wanted - real).max() < (0.3 if "int4" in precision else 0.1) * np.abs(real).max()
    assert np.array_equal(to_streaming(model, models.STEP).stream(models.real(features)), wanted)
    assert np.abs(wanted - wanted[:1]).max() > 0  # clips are told apart
    bundle = models.write(tmp_path / "bundle", model)
    assert native_exactness.compare(model, bundle, features)["scores_that_differ"] == 0


@pytest.mark.parametrize("name, precision", [("gated", "int8_fake"), ("planar", "int4_fake")])
def test_fake_forward_of_a_model_is_close_to_tflite_micro(name, precision, tmp_path):
    model = models.quantized(models.floating(name), precision)
    bundle = models.write(tmp_path / "bundle", model)
    found = native_exactness.compare(model, bundle, models.clips(6, seed=2))
    assert found["largest_difference"] <= 6  # of 255, as for Matchbox


@pytest.mark.parametrize("precision", ["int8_native", "int4_native", "int8_fake"])
def test_training_of_a_model_lowers_the_loss_and_moves_every_weight(precision, tmp_path):
    model, features = models.quantized(models.floating("gated"), precision), models.clips(16, seed=3)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = model.fit(models.real(features), np.arange(16) % 4, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.85 * losses[0]
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert not np.array_equal(variable.numpy(), old), variable.path
    if precision != "int8_fake":
        bundle = models.write(tmp_path / "bundle", model)
        assert native_exactness.compare(model, bundle, features)["scores_that_differ"] == 0


@pytest.mark.parametrize("precision", ["int8_native", "int4_fake"])
def test_recurrent_layers_learn_in_every_weight_and_stay_the_devices_integers(precision, tmp_path):
    floating, features = models.floating("memories"), models.clips(8, seed=3)
    model = models.quantized(floating, precision)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = model.fit(models.real(features), np.arange(8) % 4, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for variable, old in zip(model.trainable_variables, before, strict=True):
        # TensorFlow's own rounding moves a range only where something lies beyond it.
        if precision == "int8_native" or not variable.path.endswith("range_gain"):
            assert not np.array_equal(variable.numpy(), old), variable.path
    found = native_exactness.compare(model, models.write(tmp_path / "bundle", model), features)
    if precision == "int8_native":
        assert found["scores_that_differ"] == 0
        streaming, wanted = to_streaming(model, models.STEP), model(models.real(features[:1]))
        assert np.array_equal(streaming.stream(models.real(features[:1])), wanted)
        assert list(streaming.state_specs) == ["stem", "gated_h", "long_h", "long_c", "simple_h", "last_h"]
    else:
        assert found["largest_difference"] <= 6  # of 255


@pytest.mark.parametrize("name", ["flattened", "planar"])
def test_weights_of_a_trained_model_fit_the_one_that_is_built_again(name):
    trained = models.quantized(models.floating(name), "int4_native")
    again = models.to_quantized(models.BUILDERS[name](4, 40), models.precision("int4_native"), models.SCALE, 2, 98)
    again.set_weights(trained.get_weights())
    features = models.real(models.clips(2))
    assert np.array_equal(again(features), trained(features))


def test_dropout_of_a_model_drops_in_training_only():
    model, features = models.quantized(models.floating("gated"), "int8_fake"), models.real(models.clips(4))
    assert not np.array_equal(model(features, training=True), model(features))
    assert np.array_equal(model(features), model(features))


def test_layers_with_weights_take_over_what_follows_them():
    model = models.quantized(models.floating("gated"), "int8_native")
    assert [layer.name for layer in model.layers if isinstance(layer, QuantizedLinear)] == [
        *("stem", "wide", "mix", "gate", "hidden", "logits"),
    ]
    kinds = [op.kind for op in read(to_tflite(model, models.STEP)).ops]
    assert "RELU" not in kinds and kinds.count("MUL") == 1 and kinds.count("ADD") == 2


def test_weights_of_four_bits_are_those_of_convolutions_and_not_of_dense_layers():
    data = to_tflite(models.quantized(models.floating("planar"), "int4_native"), models.STEP)
    types = {tensor.name.partition("/")[0]: tensor.dtype for tensor in read(data).tensors if "/kernel" in tensor.name}
    assert types == {
        **dict.fromkeys(("bins", "separable_depthwise", "separable", "long", "after"), "INT4"),
        "logits": "INT8",
    }


def test_states_of_a_subclassed_model_have_the_names_of_its_attributes():
    model = models.quantized(models.floating("subclassed"), "int8_fake")
    assert list(to_streaming(model, 2).state_specs) == ["conv", "blocks_0", "last"]


def test_window_of_no_whole_number_of_steps_is_averaged_frame_by_frame():
    inputs = keras.Input((None, 40))
    x = Stream(layers.Conv1D(8, 3), name="conv")(inputs)
    x = Stream(layers.GlobalAveragePooling1D(), window=20, name="pool")(x)
    model = models.quantized(randomize(keras.Model(inputs, layers.Dense(4)(x))), "int8_native", step=7)
    features = models.real(models.clips(3))
    wanted = model.predict(features, verbose=0)
    for frames in (1, 2, 7, 14):
        assert np.array_equal(to_streaming(model, frames).stream(features), wanted), frames


@pytest.mark.parametrize("scales", [(0.02, 0.05, 0.3), (0.7, 0.7, 90.0)])
def test_multiply_equals_fixed_point(scales):
    points, zero_point = (-128, 5), -20
    values = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), -1).reshape(-1, 1, 2)
    a, b, y = (np.float32(scale) for scale in scales)
    pair = fixed_point.quantize_multiplier(float(a) * float(b) / float(y))
    product = (values[..., 0].astype(np.int64) - points[0]) * (values[..., 1] - points[1])
    wanted = np.clip(fixed_point.multiply(product, *pair) + zero_point, -128, 127)
    operands = [tf.constant(values[..., i].astype(np.float32) - points[i]) for i in range(2)]
    limits = -128.0 - zero_point, 127.0 - zero_point
    got = integer.multiply(*operands, *map(tf.constant, (a, b, y)), *map(tf.constant, limits))
    assert np.array_equal(got.numpy() + zero_point, wanted)


# Refusals


class Doubled(StreamingLayer):
    def call(self, inputs):
        return 2 * inputs

    def state_specs(self, input_shape, frames, delay=0):
        return {}

    def stream_inference(self, inputs, states):
        return 2 * inputs, {}


REFUSED = {
    "memory (Stream of RNN) cannot be trained in integers: no form of it": lambda x: Stream(
        layers.RNN(layers.GRUCell(4), return_sequences=True), name="memory"
    )(x),
    "memory (Stream of GRU) cannot be trained in integers: it must reset after the product": lambda x: Stream(
        layers.GRU(4, return_sequences=True, reset_after=False), name="memory"
    )(x),
    "memory (Stream of LSTM) cannot be trained in integers: it must have its activation, tanh": lambda x: Stream(
        layers.LSTM(4, return_sequences=True, activation="relu"), name="memory"
    )(x),
    "memory (Stream of LSTM) cannot be trained in integers: it must have its recurrent_activation": lambda x: Stream(
        layers.LSTM(4, return_sequences=True, recurrent_activation="tanh"), name="memory"
    )(x),
    "memory (Stream of SimpleRNN) cannot be trained in integers: it drops inputs": lambda x: Stream(
        layers.SimpleRNN(4, return_sequences=True, dropout=0.1), name="memory"
    )(x),
    "normed (LayerNormalization) cannot be trained in integers: no form of it": lambda x: layers.LayerNormalization(
        name="normed"
    )(x),
    "mine (Doubled) cannot be trained in integers: no form of it": lambda x: Doubled(name="mine")(x),
    "grouped (Stream of Conv1D) cannot be trained in integers: it has groups": lambda x: Stream(
        layers.Conv1D(8, 3, groups=2), name="grouped"
    )(x),
    "soft (Dense) cannot be trained in integers: its activation elu has no form": lambda x: layers.Dense(
        8, activation="elu", name="soft"
    )(x),
    "joined (Concatenate) cannot be trained in integers: it must join the last axis": lambda x: layers.Reshape(
        (-1, 16)
    )(layers.Concatenate(2, name="joined")([layers.Reshape((-1, 4, 2))(x)] * 2)),
    "(Add) cannot be trained in integers: it takes a constant": lambda x: x + 1.0,
}


@pytest.mark.parametrize("message", REFUSED)
def test_layer_without_a_form_in_integers_is_refused_by_name(message):
    inputs = keras.Input((None, 40))
    x = REFUSED[message](layers.Dense(8)(inputs))
    x = Stream(layers.GlobalAveragePooling1D(), window=98)(x)
    with pytest.raises(KwsError) as refusal:
        models.quantized(keras.Model(inputs, layers.Dense(4)(x)), "int8_native")
    assert message in str(refusal.value)
    assert str(refusal.value).endswith("Or export the float run with --precision ptq.")


def test_model_that_looks_ahead_has_no_form_in_integers():
    inputs = keras.Input((None, 40))
    x = Stream(layers.Conv1D(8, 3, padding="same"), name="centred")(inputs)
    x = Stream(layers.GlobalAveragePooling1D(), window=98)(x)
    with pytest.raises(KwsError, match="take models of one output that do not look ahead"):
        models.quantized(keras.Model(inputs, layers.Dense(4)(x)), "int8_native")


def test_subclassed_model_that_computes_with_tensorflow_is_refused_with_its_reason():
    class Raw(models.Net):
        def call(self, inputs):
            return super().call(tf.abs(inputs))

    net = Raw(4)
    net(np.zeros((1, 98, 40), np.float32))
    with pytest.raises(KwsError, match=r"\(Raw\) cannot be trained in integers: its call does not run on a symbol"):
        models.quantized(net, "int8_native")


def test_quantized_model_of_another_front_end_takes_the_clips_of_that_one(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import keras\nfrom kws_training.streaming import Stream\n\n\ndef build(labels, coefficients):\n"
        "    x = clips = keras.Input((None, coefficients))\n"
        "    x = Stream(keras.layers.Conv1D(8, 3, activation='relu'))(x)\n"
        "    x = Stream(keras.layers.GlobalAveragePooling1D(), window=49)(x)\n"
        "    return keras.Model(clips, keras.layers.Dense(labels)(x))\n"
    )
    frontend = wanted_frontend("log_mel").config
    frontend = dataclasses.replace(frontend, hop_samples=2 * frontend.hop_samples)
    kind = architecture(f"{path}:build")
    config = kind.config(3, frontend)
    assert config.clip_frames == 49
    model = start.build(kind, config, precision_named("int8_native"), 1 / frontend.feature_steps_per_std)
    assert model.predict(np.zeros((2, 49, frontend.coefficients), np.float32), verbose=0).shape == (2, 3)
