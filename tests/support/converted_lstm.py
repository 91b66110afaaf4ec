"""LSTM layers as TensorFlow's converter writes them: what Keras 2 marks for it, marked by hand."""

import numpy as np
import tensorflow as tf

FRAMES, FEATURES, UNITS, LABELS = 6, 10, (12, 7), 5


def _lstm(x: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor):
    """What the converter makes one operator of: arguments and results as it expects them of such a function."""
    outputs = []
    for frame in tf.unstack(x, axis=1):
        gate, forget, candidate, output = tf.split(frame @ kernel + hidden @ recurrent + bias, 4, axis=1)
        cell = tf.sigmoid(forget) * cell + tf.sigmoid(gate) * tf.tanh(candidate)
        hidden = tf.sigmoid(output) * tf.tanh(cell)
        outputs.append(hidden)
    return hidden, tf.stack(outputs, axis=1), hidden, cell, tf.constant(1.0)


class TwoLayers(tf.Module):
    """Two layers of random weights over `FRAMES` frames, and a dense layer of what the last one gives."""

    def __init__(self, seed: int = 0):
        super().__init__()
        rng = np.random.default_rng(seed)

        def weights(*shape: int) -> tf.Tensor:
            return tf.constant(rng.normal(0, 2 * shape[0] ** -0.5, shape), tf.float32)

        self._layers = []
        for number, (inputs, units) in enumerate(zip((FEATURES, *UNITS), UNITS, strict=False)):
            marks = {"time_major": False, "go_backwards": False, "api_implements": f"lstm_{number}"}
            operator = tf.function(_lstm, autograph=False, experimental_attributes=marks)
            matrices = (weights(inputs, 4 * units), weights(units, 4 * units), weights(4 * units) / 4)
            self._layers.append((operator, units, matrices))
        self._dense = weights(UNITS[-1], LABELS)

    @tf.function(input_signature=[tf.TensorSpec((1, FRAMES, FEATURES), tf.float32)])
    def scores(self, x: tf.Tensor) -> tf.Tensor:
        """float32 ``[1, LABELS]``."""
        for operator, units, matrices in self._layers:
            zeros = tf.zeros((1, units))
            x = operator(x, zeros, zeros, *matrices)[1]
        return x[:, -1] @ self._dense


def convert(folder: str, seed: int = 0) -> bytes:
    """The int8 model; `folder`: for TensorFlow's files."""
    model, rng = TwoLayers(seed), np.random.default_rng(seed)
    tf.saved_model.save(model, folder, signatures=model.scores)
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    samples = rng.normal(0, 1, (40, 1, FRAMES, FEATURES)).astype(np.float32)
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()
