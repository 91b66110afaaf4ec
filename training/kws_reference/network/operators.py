"""The operators of the batched interpreter: each a function that makes a function of arrays out of an `Op`.

Activations are int8 values held in float32: products and sums of integers below 2^24 are exact there in any order, and
matrix products are fast. The batch axis of the file is left out, the streams are the last axis.

The integers are those of `kws_reference.tflite.fixed_point`. What would not give them is refused (`Unsupported`).
"""

from collections.abc import Callable

import numpy as np

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

LARGEST_SUM = 2**22
"""Times a multiplier of 31 bits it is exact in float64, and so is every sum below it in float32."""
LARGEST_RIGHT_SHIFT = 20

Function = Callable[..., np.ndarray]
"""float32 ``[*shape without batch, streams]`` of each input that is no constant -> the same of the output."""


class Unsupported(Exception):
    """The model has something that the batched interpreter does not know."""


def compiled(graph: Graph, op: Op) -> tuple[Function, list[int]]:
    """Makes an operator's function.

    Returns:
      The function, and the indices of the tensors that it takes.

    Raises:
      Unsupported: an operator, option, type or size that is not known here; the line names it.
    """
    if op.kind not in _BUILDERS:
        raise Unsupported(graph.describe(op))
    try:
        inputs = list(op.inputs)
        while inputs and inputs[-1] == -1:  # a bias that was left out
            inputs.pop()
        _demand(bool(inputs) and -1 not in inputs, "an input that is missing")
        _demand(bool(op.options) or op.kind in _WITHOUT_OPTIONS, "options that are missing")
        tensors, output = [graph.tensors[index] for index in inputs], graph.tensors[op.outputs[0]]
        variable = len(tensors) if op.kind in _OF_ACTIVATIONS else 1
        for tensor in (*tensors[:variable], output):
            _check_activation(tensor)
        return _BUILDERS[op.kind](op, tensors, output), inputs[:variable]
    except Unsupported as why:
        raise Unsupported(f"{why} of {graph.describe(op)}") from None


def _demand(fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise Unsupported(what)


def _check_activation(tensor: Tensor) -> None:
    _demand(tensor.data is None, "a constant operand")
    _demand(tensor.dtype == "INT8", f"the type {tensor.dtype}")
    _demand(len(tensor.scales) == len(tensor.zero_points) == 1, "scales of channels")
    _demand(bool(tensor.shape) and tensor.shape[0] == 1, "a batch")


def _constant(tensor: Tensor) -> np.ndarray:
    if tensor.data is None:
        raise Unsupported("weights or bounds that are computed")
    return tensor.data


# --- Operators with weights ------------------------------------------------------------------------------------------


def _convolution(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    x, weights = tensors[:2]
    pointwise = len(weights.shape) == 4 and weights.shape[1:] == (1, 1, x.shape[-1])
    _demand(_is_plain(op) and pointwise and output.shape[1:3] == x.shape[1:3], "the kernel over time")
    return _product(op, tensors, output, _constant(weights).reshape(weights.shape[0], -1))


def _fully_connected(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    x, weights = tensors[:2]
    _demand(op.options["weights_format"] == 0 and len(weights.shape) == 2, "the format of the weights")
    _demand(x.size == weights.shape[1], "the frames side by side")
    _demand(weights.dtype == "INT8" or len(weights.scales) == 1, "the scales of INT4 weights")
    product = _product(op, tensors, output, _constant(weights))
    return lambda x: product(x.reshape(-1, x.shape[-1])).reshape(*output.shape[1:], -1)


def _product(op: Op, tensors: list[Tensor], output: Tensor, weights: np.ndarray) -> Function:
    """Matrix product over the channels, requantized."""
    requantize = _requantizer(op, tensors, output, weights)
    matrix = weights.astype(np.float32)
    return lambda x: requantize(np.matmul(matrix, x))


def _depthwise(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    x, weights = tensors[:2]
    one_column = len(weights.shape) == 4 and weights.shape[2] == 1 and weights.shape[3] == x.shape[-1]
    _demand(_is_plain(op) and op.options["depth_multiplier"] == 1 and one_column, "the kernel")
    taps = _constant(weights)[0, :, 0]
    requantize = _requantizer(op, tensors, output, taps.T)
    columns, rows = taps.astype(np.float32)[:, :, None], output.shape[1]

    def run(x: np.ndarray) -> np.ndarray:
        total = x[:rows] * columns[0]
        part = np.empty_like(total)
        for tap in range(1, len(columns)):
            total += np.multiply(x[tap : tap + rows], columns[tap], out=part)
        return requantize(total)

    return run


def _is_plain(op: Op) -> bool:
    steps = [op.options[name] for name in ("stride_h", "stride_w", "dilation_h", "dilation_w")]
    return steps == [1, 1, 1, 1] and op.options["padding"] == "VALID"


def _requantizer(
    op: Op, tensors: list[Tensor], output: Tensor, weights: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Sums of products without bias, integers in float32 ``[..., channels, streams]``, to int8 values in float32.

    Computes `fixed_point.requantize` in float64, which is faster: every product is exact, and a tie of the second
    rounding is moved from zero by less than the step to the next number.

    Args:
      op: with the activation.
      tensors: its inputs: activations, weights and, if it has one, the bias.
      output: its quantization.
      weights: int8 ``[channels, inputs of a sum]``.
    """
    x, stored = tensors[:2]
    _demand(stored.dtype in ("INT8", "INT4") and not any(stored.zero_points), "the type of the weights")
    _demand(len(stored.scales) in (1, len(weights)), "the scales of the weights")
    bias = np.zeros(len(weights), np.int64)
    if len(tensors) > 2:
        _demand(tensors[2].dtype == "INT32", "the type of the bias")
        bias = _constant(tensors[2]).astype(np.int64)
    magnitude = 128 * np.abs(weights.astype(np.int64)).sum(1) + np.abs(bias)
    _demand(magnitude.max() * 2 < LARGEST_SUM, "sums beyond 2^22")
    bias = fixed_point.fold_zero_point(bias, weights, x.zero_points[0])
    factors = fixed_point.product_factors(x.scales[0], stored.scales, output.scales[0])
    multiplier, shift = np.array([fixed_point.quantize_multiplier(factor) for factor in factors]).T
    _demand((-LARGEST_RIGHT_SHIFT <= shift).all() and (shift <= 0).all(), "a factor")
    first = (multiplier / 2.0**31)[:, None]
    offset = bias[:, None] * first + 0.5
    second = np.where(shift < 0, 2.0**shift * (1 + 2.0**-40), 1.0)[:, None]
    zero_point, (low, high) = output.zero_points[0], _range(op, output)

    def run(total: np.ndarray) -> np.ndarray:
        value = total.astype(np.float64)
        value *= first
        value += offset
        np.floor(value, out=value)
        value *= second
        np.rint(value, out=value)
        value += zero_point
        return np.clip(value, low, high, out=value).astype(np.float32)

    return run


def _range(op: Op, output: Tensor) -> tuple[int, int]:
    activation = op.options["activation"]
    try:
        return fixed_point.activation_range(activation, output.scales[0], output.zero_points[0])
    except ValueError:
        raise Unsupported(f"the activation {activation}") from None


# --- Operators without weights ---------------------------------------------------------------------------------------


def _add(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    _demand(len(tensors) == 2, "the operands")
    _demand(all(len(tensor.shape) == len(output.shape) for tensor in tensors), "the operands' dimensions")
    multipliers = fixed_point.add_multipliers(tensors[0].scales[0], tensors[1].scales[0], output.scales[0])
    every = np.arange(256, dtype=np.uint8).view(np.int8)
    tables = [  # of each int8 value, as uint8
        fixed_point.scale_operand(every, tensor.zero_points[0], multiplier)
        for tensor, multiplier in zip(tensors, multipliers.operands, strict=True)
    ]
    zero_point, (low, high) = output.zero_points[0], _range(op, output)

    def run(*inputs: np.ndarray) -> np.ndarray:
        parts = [table[x.astype(np.int8).view(np.uint8)] for table, x in zip(tables, inputs, strict=True)]
        total = fixed_point.multiply(parts[0] + parts[1], *multipliers.total)
        total += zero_point
        return np.clip(total, low, high, out=total).astype(np.float32)

    return run


def _average_pool(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    size = op.options["filter_h"], op.options["filter_w"]
    whole = size == tensors[0].shape[1:3] and output.shape[1:3] == (1, 1)
    _demand(whole and op.options["activation"] == "NONE", "the window, which is less than all,")
    count = size[0] * size[1]
    return lambda x: fixed_point.mean(x.sum((0, 1), keepdims=True), count).astype(np.float32)


def _concatenation(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    axis = op.options["axis"]
    _demand(axis > 0 and op.options["activation"] == "NONE", "the axis or activation")
    quantizations = {(tensor.scales, tensor.zero_points) for tensor in (*tensors, output)}
    _demand(len(quantizations) == 1, "the operands' scales")
    return lambda *inputs: np.concatenate(inputs, axis=axis - 1)


def _reshape(_op: Op, _tensors: list[Tensor], output: Tensor) -> Function:
    return lambda x: x.reshape(*output.shape[1:], -1)


def _slice(_op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    begin = _constant(tensors[1])
    part = tuple(slice(first, first + size) for first, size in zip(begin, output.shape, strict=True))[1:]
    return lambda x: x[part]


def _strided_slice(op: Op, tensors: list[Tensor], output: Tensor) -> Function:
    begin, end, strides = map(_constant, tensors[1:])
    _demand(not any(op.options[f"{name}_mask"] for name in ("ellipsis", "new_axis", "shrink_axis")), "a mask")
    part = [
        slice(
            None if op.options["begin_mask"] >> axis & 1 else int(begin[axis]),
            None if op.options["end_mask"] >> axis & 1 else int(end[axis]),
            int(strides[axis]),
        )
        for axis in range(len(begin))
    ]
    _demand(np.zeros(tensors[0].shape)[tuple(part)].shape == output.shape, "the bounds")
    return lambda x: x[tuple(part[1:])]


_BUILDERS: dict[str, Callable[[Op, list[Tensor], Tensor], Function]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "RESHAPE": _reshape,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
}
_OF_ACTIVATIONS = ("ADD", "CONCATENATION")  # of all others only the first input is computed
_WITHOUT_OPTIONS = ("RESHAPE", "SLICE")  # shapes and bounds are inputs
