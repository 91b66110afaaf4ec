"""What passes and lowerings ask of tensors, and how they refuse: one line that names operator and tensor."""

from typing import NoReturn

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen.kernels.output_range import OutputRange


def refuse(graph: Graph, op: Op, why: str) -> NoReturn:
    """Raises the one-line refusal of an operator."""
    raise KwsError(f"cannot generate {graph.describe(op)}: {why}.")


INT8 = ("INT8",)
INT16 = ("INT16",)
INT8_OR_INT16 = (*INT8, *INT16)
"""Types of activations."""


def same_quantization(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors share type, scale and zero point."""
    return a.dtype == b.dtype and a.scales == b.scales and a.zero_points == b.zero_points


def check_same_quantization(graph: Graph, op: Op, a: Tensor, b: Tensor) -> None:
    """Refuses two tensors that do not share scale and zero point."""
    if not same_quantization(a, b):
        refuse(graph, op, f"'{a.name}' and '{b.name}' must share scale and zero point")


def quantization_text(tensor: Tensor) -> str:
    """Scale and zero point for a message."""
    return f"scale {tensor.scales[0]:.9g}, zero point {tensor.zero_points[0]}" if tensor.scales else "no quantization"


def operand(graph: Graph, op: Op, index: int, dtypes: tuple[str, ...] = INT8) -> Tensor:
    """The tensor `index` with one scale, constant or not, of any shape; int16 ones with zero point 0.

    Raises:
      KwsError: it is none of `dtypes`, or else not so.
    """
    if index < 0:
        refuse(graph, op, "an input is missing")
    tensor = graph.tensors[index]
    if tensor.dtype not in dtypes:
        refuse(graph, op, f"tensor '{tensor.name}' has type {tensor.dtype}, only {' or '.join(dtypes)} is supported")
    if len(tensor.scales) != 1 or not tensor.scales[0] > 0:
        refuse(graph, op, f"tensor '{tensor.name}' must have one positive scale, it has {quantization_text(tensor)}")
    if tensor.dtype == "INT16" and tensor.zero_points != (0,):
        refuse(graph, op, f"tensor '{tensor.name}' is INT16 with zero point {tensor.zero_points[0]}, it must be 0")
    if min(tensor.shape, default=1) < 1:
        refuse(graph, op, f"tensor '{tensor.name}' has shape {list(tensor.shape)}, which has no elements")
    return tensor


def variable(graph: Graph, op: Op, index: int, dtypes: tuple[str, ...] = INT8) -> Tensor:
    """The activation `index` with one scale, of any shape.

    Raises:
      KwsError: it is none (`operand`), or constant.
    """
    tensor = operand(graph, op, index, dtypes)
    if tensor.data is not None:
        refuse(graph, op, f"tensor '{tensor.name}' is constant, only activations are supported")
    return tensor


def activation(graph: Graph, op: Op, index: int, dtypes: tuple[str, ...] = INT8) -> Tensor:
    """The activation `index` with one scale and batch 1.

    Raises:
      KwsError: it is none (`operand`).
    """
    tensor = operand(graph, op, index, dtypes)
    if not tensor.shape or tensor.shape[0] != 1:
        refuse(graph, op, f"tensor '{tensor.name}' has shape {list(tensor.shape)}, only batch 1 is supported")
    return tensor


def is_int16(graph: Graph, index: int) -> bool:
    """Whether a tensor is of int16."""
    return graph.tensors[index].dtype == "INT16"


def constant(graph: Graph, op: Op, index: int, dtypes: tuple[str, ...], what: str) -> np.ndarray:
    """The values of a constant tensor.

    Raises:
      KwsError: the tensor has another type, or is not constant.
    """
    tensor = graph.tensors[index]
    if tensor.dtype not in dtypes:
        refuse(graph, op, f"{what} '{tensor.name}' have type {tensor.dtype}, only {' or '.join(dtypes)} is supported")
    if tensor.data is None:
        refuse(graph, op, f"{what} '{tensor.name}' are not constant")
    return tensor.data


def check_rank(graph: Graph, op: Op, tensor: Tensor, rank: int) -> None:
    """Refuses a tensor of another number of dimensions."""
    if len(tensor.shape) != rank:
        refuse(graph, op, f"tensor '{tensor.name}' has shape {list(tensor.shape)}, {rank} dimensions are supported")


def output_range(graph: Graph, op: Op, output: Tensor) -> OutputRange:
    """Zero point of the output and the clamp of the operator's fused activation."""
    fused = op.options.get("activation", "NONE")
    try:
        bits = 8 * output.element_bytes
        low, high = fixed_point.activation_range(fused, output.scales[0], output.zero_points[0], bits)
    except ValueError:
        refuse(graph, op, f"fused activation {fused} is not supported")
    return OutputRange(output.zero_points[0], low, high)
