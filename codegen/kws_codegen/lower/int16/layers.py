"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: int8 weights between int16 activations."""

from typing import TypedDict

import numpy as np
from kws_reference.tflite import fixed_point, int16
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import INT16, output_range, refuse
from kws_codegen.kernels.linear_int16 import ConvInt16, DenseInt16, DepthwiseInt16
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.lower import weights
from kws_codegen.lower.geometry import conv_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.places import Place

_LARGEST_SUM = 2**47
"""Beyond it a sum times 15 bits does not fit into 64."""


def conv(lowering: Lowering, op: Op) -> None:
    """Lowers a CONV_2D, with groups of channels or without."""
    graph = lowering.graph
    x, y = (checks.activation(graph, op, index, INT16) for index in (op.inputs[0], op.outputs[0]))
    values = _weights(graph, op)
    if values.ndim != 4 or values.shape[0] != y.shape[-1] or x.shape[-1] % values.shape[3]:
        refuse(graph, op, f"weights {list(values.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
    outputs, kernel_h, kernel_w, group_inputs = (int(n) for n in values.shape)
    groups = x.shape[-1] // group_inputs
    if outputs % groups:
        refuse(graph, op, f"{outputs} outputs cannot be shared by {groups} groups of {group_inputs} channels")
    g = conv_geometry(graph, op, x, y, (kernel_h, kernel_w))
    rows = values.reshape(outputs, -1)
    if groups == 1 and g.reads_one_piece:
        fields = _fields(lowering, op, "pointwise" if g.taps == 1 else "convolution", x, y, rows, rows)
        stride = g.stride_h * g.in_c
        lowering.emit(DenseInt16(**fields, inputs=rows.shape[1], outputs=outputs, frames=g.frames, input_stride=stride))
        return
    fields = _fields(lowering, op, "grouped" if groups > 1 else "convolution", x, y, rows, rows)
    lowering.emit(ConvInt16(**fields, geometry=g, groups=groups))


def depthwise(lowering: Lowering, op: Op) -> None:
    """Lowers a DEPTHWISE_CONV_2D."""
    graph = lowering.graph
    x, y = (checks.activation(graph, op, index, INT16) for index in (op.inputs[0], op.outputs[0]))
    values = _weights(graph, op)
    if values.ndim != 4 or values.shape[0] != 1 or values.shape[3] != y.shape[-1] or y.shape[-1] % x.shape[-1]:
        refuse(graph, op, f"weights {list(values.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
    _, kernel_h, kernel_w, outputs = (int(n) for n in values.shape)
    if len(op.inputs) > 2 and op.inputs[2] >= 0 and graph.tensors[op.inputs[2]].dtype != "INT64":
        refuse(graph, op, f"bias '{graph.tensors[op.inputs[2]].name}' must be INT64, which TFLite Micro takes it for")
    g = conv_geometry(graph, op, x, y, (kernel_h, kernel_w), depth_multiplier=outputs // x.shape[-1])
    taps = values.reshape(-1, outputs)
    lowering.emit(DepthwiseInt16(**_fields(lowering, op, "depthwise", x, y, taps.T, taps), geometry=g))


def fully_connected(lowering: Lowering, op: Op) -> None:
    """Lowers a FULLY_CONNECTED."""
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index, INT16) for index in (op.inputs[0], op.outputs[0]))
    if op.options.get("weights_format", 0) != 0:
        refuse(graph, op, f"weights format {op.options['weights_format']} is not supported, only the default")
    rows = _weights(graph, op)
    if rows.ndim != 2 or x.size % rows.shape[1] or y.size != x.size // rows.shape[1] * rows.shape[0]:
        refuse(graph, op, f"weights {list(rows.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
    outputs, inputs = (int(n) for n in rows.shape)
    fields = _fields(lowering, op, "dense", x, y, rows, rows)
    lowering.emit(DenseInt16(**fields, inputs=inputs, outputs=outputs, frames=x.size // inputs, input_stride=inputs))


def _weights(graph: Graph, op: Op) -> np.ndarray:
    return checks.constant(graph, op, op.inputs[1], checks.INT8, "weights")


class _Fields(TypedDict):
    """The fields of `LinearInt16`, to be completed by those of a kernel."""

    name: str
    op: Op
    reads: tuple[Place, ...]
    writes: Place
    matrix: np.ndarray
    bias: np.ndarray
    factors: np.ndarray
    rounds_once: bool
    range: OutputRange


def _fields(
    lowering: Lowering,
    op: Op,
    what: str,
    x: Tensor,
    y: Tensor,
    rows: np.ndarray,
    order: np.ndarray,
) -> _Fields:
    """What every kernel needs; arguments as of `weights.linear_fields`.

    Raises:
      KwsError: weights, bias, scales or activation do not fit, or a sum or result could overflow.
    """
    graph, outputs = lowering.graph, len(rows)
    weights.check_scales(graph, op, outputs)
    scales = graph.tensors[op.inputs[1]].scales
    factors = fixed_point.product_factors(x.scales[0], scales, y.scales[0])
    pairs = [fixed_point.quantize_multiplier(factor) for factor in factors * (outputs // len(factors))]
    bias = weights.optional_bias(graph, op, outputs, ("INT32", "INT64"))
    once = len(op.inputs) <= 2 or op.inputs[2] < 0 or graph.tensors[op.inputs[2]].dtype == "INT64"
    bounds = [abs(int(b)) + 2**15 * int(row) for b, row in zip(bias, np.abs(rows.astype(np.int64)).sum(1), strict=True)]
    narrow = max(bounds) < 2**31
    if not narrow and not once:
        refuse(graph, op, f"an accumulator can reach {max(bounds)}, more than the int32 of its bias")
    if max(bounds) >= _LARGEST_SUM:
        refuse(graph, op, f"an accumulator can reach {max(bounds)}, more than 47 bits")
    for bound, (multiplier, shift) in zip(bounds, pairs, strict=True):
        if shift > (int16.MAX_SHIFT if once else 30) or bound * multiplier * 2.0 ** (shift - 31) >= 2**31 - 2:
            refuse(graph, op, f"a factor of 2^{shift} takes sums of up to {bound} out of 32 bits")
    if once:
        pairs = [int16.reduced_multiplier(multiplier, shift) for multiplier, shift in pairs]
    return _Fields(
        reads=(lowering.read(op.inputs[0]),),
        writes=lowering.write(op.outputs[0]),
        name=lowering.name(op, what),
        op=op,
        matrix=np.ascontiguousarray(order).astype(np.int8),
        bias=bias.astype(np.int32 if narrow else np.int64),
        factors=np.array(pairs, np.int32).T,
        rounds_once=once,
        range=output_range(graph, op, y),
    )
