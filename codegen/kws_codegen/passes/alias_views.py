"""Tensors that are bytes of others: reshaped ones, and slices that lie in one piece."""

from kws_reference.tflite.graph import Graph, Op

from kws_codegen.checks import same_quantization
from kws_codegen.ir import Module, View
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.regions import SLICES, region_of

RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def run(module: Module) -> Module:
    """Lets reshaped tensors and slices of one piece lie where their operator reads them: nothing is copied."""
    graph, views = module.graph, dict[int, View]()
    cuts = {rows.cut.index for rows in module.sliding.values()}
    in_sums = {module.sliding[index].joined for index in module.summed}
    for op in graph.ops:
        if op.kind in RESHAPES:
            views |= _reshaped(graph, op)
        elif op.kind in SLICES and op.index not in cuts:
            views |= {index: view for index, view in _slices(graph, op).items() if view.of not in in_sums}
    return module.replace(views=views)


def _reshaped(graph: Graph, op: Op) -> dict[int, View]:
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    same = source.size == target.size and same_quantization(source, target)
    return {target.index: View(source.index)} if same and source.data is None else {}


def _slices(graph: Graph, op: Op) -> dict[int, View]:
    views = {}
    for position, index in enumerate(op.outputs):
        region = region_of(graph, op, position)
        if region is None or not region.is_contiguous:
            continue
        source, target = graph.tensors[region.source], graph.tensors[index]
        if source.data is None and source.dtype == target.dtype and same_quantization(source, target):
            views[index] = View(region.source, region.offset)
    return views


ALIAS_VIEWS = Pass("alias_views", run, optional=True)
