"""QUANTIZE between int8 and int16, and RELU, RELU6 and LEAKY_RELU of int16."""

import math

import numpy as np
from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import INT8_OR_INT16, INT16, check_same_quantization, refuse
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.kernels.rescale import Rescale
from kws_codegen.lower import broadcast
from kws_codegen.lower.lowering import Lowering


def quantize(lowering: Lowering, op: Op) -> None:
    """Lowers a QUANTIZE that reads or writes int16."""
    _emit(lowering, op, "quantize", "NONE", 1.0, INT8_OR_INT16)


def relu(lowering: Lowering, op: Op) -> None:
    """Lowers a RELU."""
    _emit(lowering, op, "relu", "RELU", 1.0)


def relu6(lowering: Lowering, op: Op) -> None:
    """Lowers a RELU6, which TFLite Micro clamps without rescaling."""
    tensors = lowering.graph.tensors
    check_same_quantization(lowering.graph, op, tensors[op.inputs[0]], tensors[op.outputs[0]])
    _emit(lowering, op, "relu6", "RELU6", 1.0)


def leaky_relu(lowering: Lowering, op: Op) -> None:
    """Lowers a LEAKY_RELU."""
    alpha = float(np.float32(op.options["alpha"]))
    if not (math.isfinite(alpha) and alpha >= 0):
        refuse(lowering.graph, op, f"a slope of {alpha} is not supported, only 0 and more")
    _emit(lowering, op, "leaky_relu", "NONE", alpha)


def _emit(
    lowering: Lowering, op: Op, what: str, activation: str, slope: float, dtypes: tuple[str, ...] = INT16
) -> None:
    """Emits ``x``, below zero times `slope`, clamped to an `activation`."""
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index, dtypes) for index in (op.inputs[0], op.outputs[0]))
    if x.shape != y.shape:
        refuse(graph, op, f"{list(x.shape)} cannot become {list(y.shape)}")
    ratio, value_bits = x.scales[0] / y.scales[0], 8 * x.element_bytes
    above, below = (
        broadcast.factor(graph, op, fixed_point.quantize_multiplier(real), value_bits)
        for real in (ratio, x.scales[0] * slope / y.scales[0])
    )
    low, high = fixed_point.activation_range(activation, y.scales[0], y.zero_points[0], 8 * y.element_bytes)
    lowering.emit(
        Rescale(
            reads=(lowering.read(x.index),),
            writes=lowering.write(y.index),
            reads_int16=x.dtype == "INT16",
            writes_int16=y.dtype == "INT16",
            name=lowering.name(op, what),
            op=op,
            zero_point=x.zero_points[0],
            above=above,
            below=below,
            range=OutputRange(y.zero_points[0], low, high),
            count=x.size,
        )
    )
