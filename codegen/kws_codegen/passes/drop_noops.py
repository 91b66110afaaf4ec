"""Operators that give what they take: whole slices, paddings of nothing, joins of one, averages over one row."""

import dataclasses

from kws_reference.tflite.graph import Graph, Op

from kws_codegen.checks import same_quantization
from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass

_KINDS = {
    "CONCATENATION",
    "EXPAND_DIMS",
    "PAD",
    "PADV2",
    "QUANTIZE",
    "RESHAPE",
    "SLICE",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
}
"""Operators that give every element of their input once, in its order, when input and output have one shape."""

_POOLS = {"AVERAGE_POOL_2D", "MAX_POOL_2D"}


def run(module: Module) -> Module:
    """Drops operators that give what they take; their readers take it from where it came."""
    graph, instead = module.graph, dict[int, int]()
    ops = []
    for op in graph.ops:
        op = dataclasses.replace(op, inputs=tuple(instead.get(index, index) for index in op.inputs))
        if len(op.outputs) == 1 and not module.is_end(op.outputs[0]) and (source := _source(graph, op)) is not None:
            instead[op.outputs[0]] = source
        else:
            ops.append(op)
    return module.with_ops(ops)


def _source(graph: Graph, op: Op) -> int | None:
    """The input that an operator gives unchanged, None if it gives something else."""
    activations = [index for index in op.inputs if index >= 0 and graph.tensors[index].data is None]
    if len(activations) != 1 or op.options.get("activation", "NONE") != "NONE":
        return None
    x, y = graph.tensors[activations[0]], graph.tensors[op.outputs[0]]
    if x.dtype != "INT8" or y.dtype != "INT8" or x.shape != y.shape or not same_quantization(x, y):
        return None
    if op.kind in _POOLS:
        ones = all(op.options.get(name) == 1 for name in ("filter_h", "filter_w", "stride_h", "stride_w"))
        return x.index if ones else None
    if op.kind == "STRIDED_SLICE" and not _strides_are_positive(graph, op):
        return None
    return x.index if op.kind in _KINDS else None


def _strides_are_positive(graph: Graph, op: Op) -> bool:
    strides = graph.tensors[op.inputs[3]].data if len(op.inputs) > 3 else None
    return strides is not None and bool((strides > 0).all())


DROP_NOOPS = Pass("drop_noops", run, optional=True)
