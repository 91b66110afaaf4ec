"""A model that TensorFlow's converter made with int16 activations and int8 weights, adopted, generated and run."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from kws_codegen.cli import main  # noqa: E402
from kws_reference.bundle import Bundle  # noqa: E402

from tests.support import engines  # noqa: E402

SHAPE = (1, 12, 16, 1)


def model():
    """A picture of 12 frames of 16 features: layers of all kinds that int16 has, one after the other."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    x = keras.Input(SHAPE[1:], batch_size=1)
    y = layers.Conv2D(8, (5, 4), strides=(2, 2), padding="same", activation="relu")(x)
    y = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(y)))
    y = layers.LeakyReLU(negative_slope=0.2)(layers.Add()([y, layers.Conv2D(8, 1)(y)]))
    gate = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D()(y))
    y = layers.Multiply()([y, layers.Reshape((1, 1, 8))(gate)])
    y = layers.AveragePooling2D((3, 4))(layers.MaxPooling2D(2)(y))
    y = layers.Dense(8, activation="tanh")(layers.Flatten()(y))
    return keras.Model(x, layers.Dense(4, activation="softmax")(y))


def converted(ends):
    """16x8 with ends of `ends`, calibrated on noise."""
    rng = np.random.default_rng(0)
    converter = tf.lite.TFLiteConverter.from_keras_model(model())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([rng.normal(0, 2, SHAPE).astype(np.float32)] for _ in range(20))
    int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter.target_spec.supported_ops = [int16]
    converter.inference_input_type = converter.inference_output_type = ends
    return converter.convert()


@pytest.mark.parametrize("ends", [tf.float32, tf.int16], ids=["float", "int16"])
def test_adopt_of_converted_int16_model_gives_an_engine_that_equals_the_interpreter(ends, tmp_path, capsys):
    path, frontend = tmp_path / "theirs.tflite", tmp_path / "frontend.json"
    path.write_bytes(converted(ends))
    frontend.write_text('{"kind": "mfcc", "coefficients": 16}')
    options = ["--labels", "a,b,c,d", "--frontend", str(frontend), "--out", str(tmp_path / "bundle")]
    assert main(["adopt", str(path), *options, "--frames-per-step", "2"]) == 0
    assert "the scores of 200 steps equal the original's" in capsys.readouterr().out
    bundle = Bundle.load(tmp_path / "bundle")
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 80))
