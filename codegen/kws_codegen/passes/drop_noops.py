"""Operators that give what they take: whole slices, paddings of nothing, joins of one, averages over one row."""

import dataclasses

from kws_reference.tflite.graph import Graph, Op

from kws_codegen.checks import INT8_OR_INT16, same_quantization
from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.regions import region_of

_SAME_BYTES = {"CONCATENATION", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SPLIT", "SPLIT_V", "SQUEEZE"}
"""Operators that give every element of a lone input in its order when input and output have one shape."""

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
    if x.dtype not in INT8_OR_INT16 or x.shape != y.shape or not same_quantization(x, y):
        return None
    return x.index if op.kind in _SAME_BYTES or _is_whole(graph, op) or _pads_nothing(graph, op) else None


def _is_whole(graph: Graph, op: Op) -> bool:
    """Whether a slice keeps everything, or a pool looks at one element at a time."""
    if op.kind in _POOLS:
        return all(op.options.get(name) == 1 for name in ("filter_h", "filter_w", "stride_h", "stride_w"))
    region = region_of(graph, op, 0)
    return region is not None and region.size == region.shape


def _pads_nothing(graph: Graph, op: Op) -> bool:
    widths = graph.tensors[op.inputs[1]].data if op.kind == "PAD" and len(op.inputs) == 2 else None
    return widths is not None and widths.dtype.kind == "i" and not widths.any()


DROP_NOOPS = Pass("drop_noops", run, optional=True)
