"""`ProjectedLSTMCell`: an LSTM whose output, and what it hears of itself, has fewer values than it remembers."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("kws_training")
class ProjectedLSTMCell(layers.Layer):
    """Keras's LSTM cell with a matrix behind it: ``h_t = P (o_t * tanh(c_t))``; ``Stream(layers.RNN(cell))`` runs it.

    Paper: H. Sak, A. Senior, F. Beaufays, "Long short-term memory based recurrent neural network architectures for
    large vocabulary speech recognition", arXiv:1402.1128, its recurrent projection layer, without peepholes.

    Input ``[batch, channels]``, output ``[batch, projection]``, states ``[batch, projection]`` and ``[batch, units]``.
    """

    def __init__(self, units: int, projection: int, **kwargs: Any):
        """Makes the cell.

        Args:
          units: values that it remembers.
          projection: values of its output.

        Raises:
          ValueError: one of them is below 1.
        """
        super().__init__(**kwargs)
        for name, value in (("units", units), ("projection", projection)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1. Received: {value!r}")
        self.units, self.projection = units, projection
        self.state_size, self.output_size = [projection, units], projection

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        gates = 4 * self.units
        self.kernel = self.add_weight(shape=(input_shape[-1], gates), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.projection, gates), initializer="orthogonal", name="recurrent_kernel"
        )
        self.projection_kernel = self.add_weight(
            shape=(self.units, self.projection), initializer="glorot_uniform", name="projection_kernel"
        )
        self.bias = self.add_weight(shape=(gates,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool | None = None) -> tuple[Any, list[Any]]:
        output, memory = states
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(output, self.recurrent_kernel) + self.bias
        into, keep, new, out = ops.split(gates, 4, -1)
        memory = ops.sigmoid(keep) * memory + ops.sigmoid(into) * ops.tanh(new)
        output = ops.matmul(ops.sigmoid(out) * ops.tanh(memory), self.projection_kernel)
        return output, [output, memory]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "projection": self.projection}
