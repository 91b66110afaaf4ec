"""The int8 streaming model over many streams side by side, in NumPy: TFLite Micro's integers, ten times as fast.

It knows the operations of the kit's own streaming models and refuses the rest (`Unsupported`), so that callers can
fall back on `kws_reference.network.oracle.Network`. Activations are int8 values held in float32: products and sums of
integers below 2^24 are exact there in any order, and matrix products are fast. The batch axis of the file is left out,
the streams are the last axis.

Source of the arithmetic: tensorflow/lite/micro/kernels and gemmlowp's fixed point (behaviour, not text).
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kws_reference.bundle import Bundle
from kws_reference.network.oracle import Network

LARGEST_SUM = 2**22
"""Times a multiplier of 31 bits it is exact in float64, and so is every sum below it in float32."""
LARGEST_RIGHT_SHIFT = 20
ADD_EXTRA_BITS = 20


STREAMS = 80
"""Side by side; more no longer fit into a processor's cache."""
CHECKED_STEPS = 200
"""Of each group of streams."""


class Unsupported(Exception):
    """The model has something that `StackedNetwork` does not know."""


@dataclasses.dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    value: np.ndarray | None
    scales: np.ndarray
    zero_point: int


class StackedNetwork:
    """Steps many streams at once.

    Args:
      bundle: a verified bundle.
      streams: how many.

    Raises:
      Unsupported: an operation, option or type that is not known here, or no reader of ``.tflite`` files is installed.
    """

    def __init__(self, bundle: Bundle, streams: int):
        self._bundle, self._streams = bundle, streams
        graph, codes = _graph(bundle.model)
        self._tensors = [_tensor(tensor, graph.buffers) for tensor in graph.tensors]
        self._inputs, self._outputs = list(graph.inputs), list(graph.outputs)
        self._steps: list[tuple[Callable[..., np.ndarray], list[int], int]] = []
        for operator in graph.operators:
            kind = codes[operator.opcodeIndex]
            if kind not in _BUILDERS:
                raise Unsupported(kind)
            inputs = [int(index) for index in operator.inputs]
            while inputs[-1] == -1:  # a bias that was left out
                inputs.pop()
            _demand(-1 not in inputs, f"{kind} without an input")
            _demand(operator.builtinOptions is not None or kind in _WITHOUT_OPTIONS, f"{kind} without options")
            tensors, output = [self._tensors[index] for index in inputs], self._tensors[operator.outputs[0]]
            function = _BUILDERS[kind](operator.builtinOptions, tensors, output)
            variable = [index for index in inputs if self._tensors[index].value is None]
            self._steps.append((function, variable, int(operator.outputs[0])))
        self.reset()

    def reset(self) -> None:
        """Sets every state of every stream to its reset value."""
        self._states = [
            np.full((*state.shape[1:], self._streams), state.reset_value, np.float32) for state in self._bundle.states
        ]

    def states(self, stream: int) -> list[np.ndarray]:
        """The states of one stream, int8, as `kws_reference.network.oracle.Network` holds them."""
        return [state[None, ..., stream].astype(np.int8) for state in self._states]

    def step(self, features: np.ndarray) -> np.ndarray:
        """Advances all streams by one step.

        Args:
          features: int8 ``[streams, frames_per_step, coefficients]``.

        Returns:
          int8 scores ``[streams, labels]``.
        """
        bundle = self._bundle
        first = features.reshape(self._streams, -1).T.astype(np.float32, order="C")
        values = {self._inputs[bundle.features.index]: first.reshape(*bundle.features.shape[1:], -1)}
        for state, value in zip(bundle.states, self._states, strict=True):
            values[self._inputs[state.input_index]] = value
        for function, inputs, output in self._steps:
            values[output] = function(*(values[index] for index in inputs))
        self._states = [values[self._outputs[state.output_index]] for state in bundle.states]
        return values[self._outputs[bundle.scores.index]].reshape(-1, self._streams).T.astype(np.int8)


def scores(bundle: Bundle, network: Network, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Runs pieces of sound side by side, each from reset states.

    Up to `CHECKED_STEPS` steps, drawn by seed, are repeated by TFLite Micro's interpreter, scores and states. Where one
    integer differs, or the model has what `StackedNetwork` does not know, the interpreter computes all steps.

    Args:
      bundle: the model.
      network: its interpreter.
      pieces: int8 features ``[steps, frames_per_step, coefficients]`` of each.

    Returns:
      int8 ``[steps, labels]`` of each piece.
    """
    found: list[np.ndarray] = []
    for first in range(0, len(pieces), STREAMS):
        group = pieces[first : first + STREAMS]
        try:
            found += _stacked(bundle, network, group)
        except (Unsupported, _Differs):
            found += [_one_by_one(bundle, network, piece) for piece in group]
    return found


class _Differs(Exception):
    """`StackedNetwork` and TFLite Micro do not agree."""


def _stacked(bundle: Bundle, network: Network, features: Sequence[np.ndarray]) -> list[np.ndarray]:
    stacked, longest = StackedNetwork(bundle, len(features)), max(map(len, features))
    padded = np.zeros((longest, len(features), *features[0].shape[1:]), np.int8)
    for stream, piece in enumerate(features):
        padded[: len(piece), stream] = piece
    scores = np.empty((longest, len(features), len(bundle.labels)), np.int8)
    checked = set(np.random.default_rng(longest).integers(max(longest, 1), size=CHECKED_STEPS).tolist())
    for step in range(longest):
        stream = step % len(features)
        before = stacked.states(stream) if step in checked else None
        scores[step] = stacked.step(padded[step])
        if before is not None:
            network.states = before
            same = (network.step(padded[step, stream]) == scores[step, stream]).all()
            after = zip(network.states, stacked.states(stream), strict=True)
            if not (same and all((a == b).all() for a, b in after)):
                raise _Differs
    return [scores[: len(piece), stream].copy() for stream, piece in enumerate(features)]


def _one_by_one(bundle: Bundle, network: Network, features: np.ndarray) -> np.ndarray:
    scores = np.empty((len(features), len(bundle.labels)), np.int8)
    network.reset()
    for step, frames in enumerate(features):
        scores[step] = network.step(frames)
    return scores


# --- Operations: builders take options, tensors and output, and give a function of the inputs without value ----------


def _conv(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    _demand(_plain(options) and tensors[1].shape[1:3] == (1, 1), "a convolution over time")
    weights = tensors[1].value.reshape(tensors[1].shape[0], -1)
    return _product(tensors, output, weights, options, _factors(tensors, output))


def _fully_connected(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    _demand(options.weightsFormat == 0, "weights of a fully connected layer")
    factors = _factors(tensors, output)
    if len(factors) == 1:  # this kernel alone rounds the product of two scales to float32
        factors = [float(np.float32(tensors[0].scales[0] * tensors[1].scales[0])) / float(output.scales[0])]
    product = _product(tensors, output, tensors[1].value, options, factors)
    return lambda x: product(x.reshape(-1, x.shape[-1])).reshape(*output.shape[1:], -1)


def _product(
    tensors: list[_Tensor], output: _Tensor, weights: np.ndarray, options: Any, factors: list[float]
) -> Callable[..., np.ndarray]:
    """Matrix product over the channels, requantized."""
    requantize = _requantizer(tensors, weights.astype(np.int64), factors, output, options)
    matrix = weights.astype(np.float32)
    return lambda x: requantize(np.matmul(matrix, x))


def _depthwise(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    _demand(_plain(options) and options.depthMultiplier == 1 and tensors[1].shape[2] == 1, "a depthwise convolution")
    taps = tensors[1].value[0, :, 0]
    requantize = _requantizer(tensors, taps.T.astype(np.int64), _factors(tensors, output), output, options)
    weights, rows = taps.astype(np.float32)[:, :, None], output.shape[1]

    def run(x: np.ndarray) -> np.ndarray:
        total = x[:rows] * weights[0]
        part = np.empty_like(total)
        for tap in range(1, len(weights)):
            total += np.multiply(x[tap : tap + rows], weights[tap], out=part)
        return requantize(total)

    return run


def _add(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    scales = [float(tensor.scales[0]) for tensor in tensors]
    twice = 2.0 * max(scales)
    tables = []
    for tensor, scale in zip(tensors, scales, strict=True):  # of each int8 value, as uint8
        values = (np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64) - tensor.zero_point) << ADD_EXTRA_BITS
        tables.append(_scaled(values, *(np.int64(part) for part in _multiplier(scale / twice))))
    multiplier = [np.int64(part) for part in _multiplier(twice / ((1 << ADD_EXTRA_BITS) * float(output.scales[0])))]
    low, high = _range(options, output)

    def run(*inputs: np.ndarray) -> np.ndarray:
        parts = [table[x.astype(np.int8).view(np.uint8)] for table, x in zip(tables, inputs, strict=True)]
        total = _scaled(parts[0] + parts[1], *multiplier)
        total += output.zero_point
        return np.clip(total, low, high, out=total).astype(np.float32)

    return run


def _average_pool(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    whole = (options.filterHeight, options.filterWidth) == tensors[0].shape[1:3] and output.shape[1:3] == (1, 1)
    _demand(whole and options.fusedActivationFunction == 0, "pooling over less than all")
    count = options.filterHeight * options.filterWidth

    def run(x: np.ndarray) -> np.ndarray:
        total = x.sum((0, 1), keepdims=True).astype(np.int64)
        return (np.sign(total) * ((np.abs(total) + count // 2) // count)).astype(np.float32)

    return run


def _concatenation(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    _demand(options.axis > 0 and options.fusedActivationFunction == 0, "a concatenation of streams")
    _demand(all(_quantization(tensor) == _quantization(output) for tensor in tensors), "a concatenation of scales")
    return lambda *inputs: np.concatenate(inputs, axis=options.axis - 1)


def _reshape(_options: Any, _tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    _demand(output.shape[0] == 1, "a reshape of streams")
    return lambda x: x.reshape(*output.shape[1:], -1)


def _slice(_options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    begin = tensors[1].value
    _demand(output.shape[0] == tensors[0].shape[0] == 1, "a slice of streams")
    part = tuple(slice(first, first + size) for first, size in zip(begin, output.shape, strict=True))[1:]
    return lambda x: x[part]


def _strided_slice(options: Any, tensors: list[_Tensor], output: _Tensor) -> Callable[..., np.ndarray]:
    begin, end, strides = (tensor.value for tensor in tensors[1:])
    _demand(not (options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask), "a slice")
    part = [
        slice(
            None if options.beginMask >> axis & 1 else int(begin[axis]),
            None if options.endMask >> axis & 1 else int(end[axis]),
            int(strides[axis]),
        )
        for axis in range(len(begin))
    ]
    _demand(np.zeros(tensors[0].shape)[tuple(part)].shape == output.shape and output.shape[0] == 1, "a slice")
    return lambda x: x[tuple(part[1:])]


_BUILDERS: dict[str, Callable[..., Callable[..., np.ndarray]]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "RESHAPE": _reshape,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
}
_WITHOUT_OPTIONS = ("RESHAPE", "SLICE")  # shapes and bounds are inputs


# --- Fixed point -----------------------------------------------------------------------------------------------------


def _multiplier(factor: float) -> tuple[int, int]:
    """``factor ~ multiplier / 2^31 * 2^shift``, multiplier in [2^30, 2^31)."""
    mantissa, shift = math.frexp(factor)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    return multiplier, shift


def _scaled(value: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """``value * multiplier * 2^(shift - 31)``: rounded to nearest, ties up, then shifted right, ties from zero."""
    right = np.maximum(-shift, 0)
    high = value * (multiplier << np.maximum(shift, 0))
    high += 1 << 30
    high >>= 31
    high += ((1 << right) >> 1) + (high >> 63) * (right > 0)
    high >>= right
    return high


def _requantizer(
    tensors: list[_Tensor], weights: np.ndarray, factors: list[float], output: _Tensor, options: Any
) -> Callable[[np.ndarray], np.ndarray]:
    """Sums of products without bias, integers in float32 ``[..., channels, streams]``, to int8 values in float32.

    Computes what `_scaled` does, in float64: every product is exact, and a tie of the second rounding is moved from
    zero by less than the step to the next number.

    Args:
      tensors: inputs of the operation.
      weights: int64 ``[channels, inputs of a sum]``.
      factors: of sums to outputs, one for all or one for each channel.
      output: its quantization.
      options: with the activation.
    """
    bias = tensors[2].value.astype(np.int64) if len(tensors) > 2 else np.zeros(len(weights), np.int64)
    _demand((128 * np.abs(weights).sum(1) + np.abs(bias)).max() * 2 < LARGEST_SUM, "sums beyond 2^22")
    bias = bias - tensors[0].zero_point * weights.sum(1)
    multiplier, shift = np.array([_multiplier(factor) for factor in factors]).T
    _demand((-LARGEST_RIGHT_SHIFT <= shift).all() and (shift <= 0).all(), "a factor")
    first = (multiplier / 2.0**31)[:, None]
    offset = bias[:, None] * first + 0.5
    second = np.where(shift < 0, 2.0**shift * (1 + 2.0**-40), 1.0)[:, None]
    low, high = _range(options, output)

    def run(total: np.ndarray) -> np.ndarray:
        value = total.astype(np.float64)
        value *= first
        value += offset
        np.floor(value, out=value)
        value *= second
        np.rint(value, out=value)
        value += output.zero_point
        return np.clip(value, low, high, out=value).astype(np.float32)

    return run


def _factors(tensors: list[_Tensor], output: _Tensor) -> list[float]:
    return [float(tensors[0].scales[0]) * float(scale) / float(output.scales[0]) for scale in tensors[1].scales]


def _range(options: Any, output: _Tensor) -> tuple[int, int]:
    _demand(options.fusedActivationFunction in (0, 1), "an activation")  # none, or ReLU
    return (max(-128, output.zero_point) if options.fusedActivationFunction == 1 else -128), 127


# --- The file --------------------------------------------------------------------------------------------------------


def _graph(model: bytes) -> tuple[Any, list[str]]:
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise Unsupported("no reader of .tflite files") from None
    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = whole.subgraphs[0]
    graph.buffers = whole.buffers
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    return graph, [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in whole.operatorCodes]


def _tensor(tensor: Any, buffers: list[Any]) -> _Tensor:
    from ai_edge_litert.schema_py_generated import TensorType

    types = {TensorType.INT8: np.int8, TensorType.INT32: np.int32, TensorType.INT4: np.uint8}
    shape = tuple(map(int, tensor.shape)) if tensor.shape is not None else ()
    data = buffers[tensor.buffer].data
    value = None
    if data is not None and len(data):
        _demand(tensor.type in types, "a type")
        value = np.frombuffer(np.asarray(data, np.uint8).tobytes(), types[tensor.type])
        if tensor.type == TensorType.INT4:  # two in a byte, the lower half first
            value = (np.stack([value << 4, value], -1).reshape(-1).view(np.int8) >> 4)[: math.prod(shape)]
        value = value.reshape(shape)
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None:
        return _Tensor(shape, value, np.zeros(0, np.float32), 0)
    zeros = {0} if quantization.zeroPoint is None else set(map(int, quantization.zeroPoint))
    _demand(len(zeros) == 1, "zero points of channels")
    return _Tensor(shape, value, np.asarray(quantization.scale, np.float32), zeros.pop())


def _plain(options: Any) -> bool:
    steps = (options.strideH, options.strideW, options.dilationHFactor, options.dilationWFactor)
    return steps == (1, 1, 1, 1) and options.padding == 1  # valid


def _quantization(tensor: _Tensor) -> tuple[float, int]:
    return float(tensor.scales[0]), tensor.zero_point


def _demand(fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise Unsupported(what)
