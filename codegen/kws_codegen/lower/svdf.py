"""SVDF: dot products with the input, each kept for some steps and filtered over them."""

import numpy as np
from kws_reference.tflite import fixed_point, recurrent
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.buffers import SvdfMemory
from kws_codegen.checks import quantization_text, refuse
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.svdf import Svdf
from kws_codegen.lower import weights
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator

_X, _FEATURE, _TIME, _BIAS, _STATE = range(5)
_CLAMPS_NOTHING = ("NONE", "RELU")
"""Activations that TFLite Micro's integer kernel takes. It clamps for neither: a RELU is in the output's zero point."""


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.activation(graph, op, index) for index in (op.inputs[_X], op.outputs[0]))
    state = lowering.inner_state(op, _STATE)
    kept = graph.tensors[op.inputs[_STATE]]
    if kept.dtype not in checks.INT8_OR_INT16:
        refuse(graph, op, f"its state '{kept.name}' has type {kept.dtype}, only INT8 or INT16 is supported")
    feature = weights.matrix(graph, op, _FEATURE, "INT8", "feature weights")
    time = weights.matrix(graph, op, _TIME, kept.dtype, "time weights")
    rank, filters = op.options["rank"], len(feature)
    if rank < 1 or filters % rank:
        refuse(graph, op, f"rank {rank} does not divide {filters} filters")
    units = filters // rank
    shapes = (x.shape, time.shape[:1], kept.shape, y.shape)
    if shapes != ((1, feature.shape[1]), (filters,), (1, time.size), (1, units)):
        found = " ".join(str(list(shape)) for shape in (x.shape, feature.shape, time.shape, kept.shape, y.shape))
        refuse(graph, op, f"input, weights, state and output do not fit each other: {found}")
    if op.options["activation"] not in _CLAMPS_NOTHING:
        refuse(graph, op, f"fused activation {op.options['activation']} is not supported")
    zero_point = _zero_point(graph, op, kept)
    bias = weights.bias(graph, op, _BIAS, units)
    bias = bias - zero_point * time.astype(np.int64).reshape(units, -1).sum(axis=1)
    over_time = np.abs(time.astype(np.int64)).reshape(units, -1).sum(axis=1)
    bound = int((np.abs(bias) + -int(np.iinfo(time.dtype).min) * over_time).max())
    if kept.dtype == "INT8" and bound >= 2**31:  # sums of INT16 wrap around, as in the interpreter
        refuse(graph, op, f"a sum over time can reach {bound}, more than int32 holds")
    feature_scale, time_scale = (graph.tensors[op.inputs[i]].scales[0] for i in (_FEATURE, _TIME))
    to_state, to_output = recurrent.svdf_factors(x.scales[0], feature_scale, kept.scales[0], time_scale, y.scales[0])
    multiplier, shift = fixed_point.quantize_multiplier(to_output)
    if shift > 30:
        refuse(graph, op, f"a factor of 2^{shift} cannot be applied to int32 accumulators")
    memory = lowering.buffer(state)
    assert isinstance(memory, SvdfMemory)  # of a state whose shape fits
    lowering.enter_block(op, memory)
    offsets = np.zeros(filters, np.int64)
    requantization = weights.requantization(graph, op, x.zero_points[0], feature, offsets, [to_state])
    lowering.emit(
        Svdf(
            name=lowering.name(op, "svdf"),
            op=op,
            reads=(lowering.read(x.index),),
            writes=lowering.write(y.index),
            matrix=feature,
            time_matrix=time,
            requantization=requantization,
            bias=bias.astype(np.int32),
            rank=rank,
            memory_zero_point=zero_point,
            factor=Factor(multiplier, shift),
            zero_point=y.zero_points[0],
            fast=(weights.stay_small(feature, requantization), bound << max(shift, 0) < 2**30),
            memory=memory,
        )
    )


def _zero_point(graph: Graph, op: Op, kept: Tensor) -> int:
    """Of the state: TFLite Micro's releases differ in what they do with that of an INT16 one, no model has one."""
    if len(kept.scales) != 1 or not kept.scales[0] > 0 or (kept.dtype == "INT16" and kept.zero_points != (0,)):
        refuse(
            graph,
            op,
            f"its state '{kept.name}' must have one positive scale, INT16 with zero point 0, it has "
            f"{quantization_text(kept)}",
        )
    return kept.zero_points[0]


SVDF = Operator("SVDF", _lower, required_inputs=5, max_inputs=5, needs_options=True)
