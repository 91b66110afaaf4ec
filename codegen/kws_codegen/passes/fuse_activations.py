"""Activations that stand alone behind the layer that they clamp."""

import dataclasses

from kws_reference.tflite.graph import Graph, Op

from kws_codegen.checks import same_quantization
from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass

_CLAMPS = {"RELU"}
_LAYERS = {"ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


def run(module: Module) -> Module:
    """Lets a layer clamp its results itself where only a RELU of the same range reads them.

    Exact: the layer saturates to int8 before the RELU and clamps to [zero point, 127] after it; the second range is
    part of the first.
    """
    ops = list(module.graph.ops)
    for op in module.graph.ops:
        if op.kind not in _CLAMPS:
            continue
        layer = _layer(module, op)
        if layer is not None:
            fused = dataclasses.replace(layer, outputs=op.outputs, options={**layer.options, "activation": op.kind})
            ops[next(i for i, other in enumerate(ops) if other.index == layer.index)] = fused
            ops = [other for other in ops if other.index != op.index]
    return module.with_ops(ops)


def _layer(module: Module, op: Op) -> Op | None:
    """The layer that can do an activation's work, None if none can."""
    graph: Graph = module.graph
    x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    layer = graph.producer(x.index)
    if layer is None or layer.kind not in _LAYERS or layer.options.get("activation", "NONE") != "NONE":
        return None
    alone = len(graph.consumers(x.index)) == 1 and not module.is_end(x.index)
    return layer if alone and layer.options and x.shape == y.shape and same_quantization(x, y) else None


FUSE_ACTIVATIONS = Pass("fuse_activations", run, optional=True)
