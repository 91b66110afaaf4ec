"""States that are sliding windows: source -> CONCATENATION with the new rows -> slice -> sink."""

import numpy as np
from kws_reference.tflite.graph import Graph, Op

from kws_codegen.checks import INT8_OR_INT16, same_quantization
from kws_codegen.ir import KeptState, Module, SlidingRows
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.regions import region_of

_CUTS = ("SLICE", "STRIDED_SLICE")


def run(module: Module) -> Module:
    """Finds the states that gain new rows and lose as many old ones: joining and cutting them will cost nothing."""
    found = {index: _slide(module.graph, state) for index, state in enumerate(module.states)}
    return module.replace(sliding={index: rows for index, rows in found.items() if rows is not None})


def _slide(graph: Graph, state: KeptState) -> SlidingRows | None:
    concat = _join(graph, state)
    if concat is None:
        return None
    cut = graph.producer(state.sink)
    if cut is None or cut.kind not in _CUTS or cut.inputs[0] != concat.outputs[0] or graph.consumers(state.sink):
        return None
    region = region_of(graph, cut, 0)
    shape, fresh = graph.tensors[state.source].shape, concat.inputs[1]
    new_rows = graph.tensors[fresh].shape[1]
    if region is None or region.begin != tuple(new_rows if axis == 1 else 0 for axis in range(len(shape))):
        return None
    row_bytes = int(np.prod(shape[2:], dtype=np.int64)) * graph.tensors[state.source].element_bytes
    return SlidingRows(concat, cut, fresh, shape[1], new_rows, row_bytes)


def _join(graph: Graph, state: KeptState) -> Op | None:
    """The CONCATENATION of a state with its new rows, None if the state is used in another way, or more than once."""
    users, source = graph.consumers(state.source), graph.tensors[state.source]
    if len(users) != 1 or users[0].kind != "CONCATENATION":
        return None
    (concat,) = users
    on_rows = concat.options.get("axis") in (1, 1 - len(source.shape)) and len(source.shape) > 1
    in_order = len(concat.inputs) == 2 and concat.inputs[0] == state.source != concat.inputs[1]
    if not on_rows or not in_order or concat.options.get("activation", "NONE") != "NONE":
        return None
    ends = [graph.tensors[index] for index in (concat.outputs[0], concat.inputs[1])]
    fits = all(
        tensor.dtype in INT8_OR_INT16 and same_quantization(tensor, source) and len(tensor.shape) == len(source.shape)
        for tensor in ends
    )
    return concat if fits and ends[1].data is None else None


SLIDE_WINDOWS = Pass("slide_windows", run, optional=True)
