"""The functions of each value that a float model has, as TensorFlow Lite's operators."""

import dataclasses
from typing import Any

from keras import layers

from kws_training.streaming.lowering import is_keras_activation

_FUNCTIONS = {"sigmoid": "LOGISTIC", "tanh": "TANH", "hard_silu": "HARD_SWISH", "hard_swish": "HARD_SWISH"}
_FUNCTION_NAMES = {
    "HardSilu": "hard_silu",
    "LeakyRelu": "leaky_relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Tanh": "tanh",
}
"""Of functions of `keras.ops`, as Keras's activations are called."""
_RELU6 = 6.0


@dataclasses.dataclass(frozen=True)
class Activation:
    """A function of each value.

    Attributes:
      name: Keras's.
      kind: TensorFlow Lite's operator, or ``SILU``, which is two.
      largest: of a ReLU that is bounded.
      options: of the operator.
    """

    name: str
    kind: str
    largest: float | None = None
    options: dict[str, float] = dataclasses.field(default_factory=dict)


def activation_of(cell: Any) -> Activation | None:
    """The activation that a layer or function is, or that a layer with weights brings; None: it is none or linear."""
    if isinstance(cell, layers.ReLU):
        if cell.threshold or (cell.negative_slope and cell.max_value is not None):
            return None
        if cell.negative_slope:
            return Activation("leaky_relu", "LEAKY_RELU", options={"alpha": float(cell.negative_slope)})
        return Activation("relu", "RELU", None if cell.max_value is None else float(cell.max_value))
    if isinstance(cell, layers.LeakyReLU):
        return Activation("leaky_relu", "LEAKY_RELU", options={"alpha": float(cell.negative_slope)})
    function = getattr(cell, "activation", None)
    if is_keras_activation(function):
        name = function.__name__
    else:  # of a layer: none, or somebody's own
        name = "" if isinstance(cell, layers.Layer) else _FUNCTION_NAMES.get(type(cell).__name__, "")
    if name == "leaky_relu":
        return Activation(name, "LEAKY_RELU", options={"alpha": float(getattr(cell, "negative_slope", 0.2))})
    if name in ("relu", "relu6"):
        return Activation(name, "RELU", _RELU6 if name == "relu6" else None)
    if name in ("silu", "swish"):
        return Activation(name, "SILU")
    return Activation(name, _FUNCTIONS[name]) if name in _FUNCTIONS else None


def is_activation(operation: Any) -> bool:
    """Whether it is a function of each value and nothing else."""
    kinds = layers.ReLU | layers.LeakyReLU | layers.Activation
    return isinstance(operation, kinds) or not isinstance(operation, layers.Layer)


def bound_of(activation: Activation | None) -> tuple[bool, float | None]:
    """Whether it is a ReLU, and its bound."""
    relu = activation is not None and activation.kind == "RELU"
    return relu, activation.largest if relu else None
