"""Counts multiply-accumulates where no formula tells them: in the graph of one step."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_LOOPS = ("StatelessWhile", "While")


def count_macs(function: Callable[..., Any], *shapes: Any) -> int:
    """Multiply-accumulates of a function's matrix products and convolutions.

    Element-wise products, sums and activations count nothing, as is usual. What a loop repeats counts once.

    Args:
      function: takes float32 tensors; it is traced, not run.
      *shapes: of its arguments, every dimension known; a dictionary of shapes for an argument that is a dictionary.
    """
    return _count(tf.function(function).get_concrete_function(*map(_specs, shapes)).graph.get_operations())


def _specs(shape: Any) -> Any:
    if isinstance(shape, Mapping):
        return {name: _specs(value) for name, value in shape.items()}
    return tf.TensorSpec(shape, tf.float32)


def _count(operations: Iterable[tf.Operation]) -> int:
    return sum(map(_macs, operations))


def _macs(operation: tf.Operation) -> int:
    kind = operation.type
    if kind in (*_CALLS, *_LOOPS):
        name = operation.get_attr("f" if kind in _CALLS else "body").name
        return _count(operation.graph._get_function(name).graph.get_operations())
    if kind == "MatMul":
        terms = operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
        return _size(operation.outputs[0]) * terms
    if kind in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        return _size(operation.outputs[0]) * operation.inputs[0].shape[-2 if operation.get_attr("adj_x") else -1]
    if kind == "Einsum":
        return _einsum(operation)
    if kind == "Conv2D":
        return _size(operation.outputs[0]) * int(np.prod(operation.inputs[1].shape[:3]))
    if kind == "DepthwiseConv2dNative":
        return _size(operation.outputs[0]) * int(np.prod(operation.inputs[1].shape[:2]))
    if kind == "Conv2DBackpropInput":  # of a transposed convolution: [taps, bins, out, in], each input frame spreads
        return _size(operation.inputs[2]) * int(np.prod(operation.inputs[1].shape[:3]))
    return 0


def _einsum(operation: tf.Operation) -> int:
    equation = operation.get_attr("equation").decode()
    terms = equation.split("->")[0].split(",")
    if len(terms) != 2:
        return 0
    extents: dict[str, int] = {}
    for letters, tensor in zip(terms, operation.inputs, strict=True):
        named = letters.replace("...", "")
        shape = list(tensor.shape)
        if "..." in letters:  # the dimensions that it stands for, one letter each
            extra = [f"...{index}" for index in range(len(shape) - len(named))]
            before, behind = letters.split("...")
            names = [*before, *extra, *behind]
        else:
            names = list(named)
        for name, extent in zip(names, shape, strict=True):
            extents[name] = max(extents.get(name, 1), extent)
    return int(np.prod(list(extents.values())))


def _size(tensor: tf.Tensor) -> int:
    return int(np.prod(tensor.shape))
