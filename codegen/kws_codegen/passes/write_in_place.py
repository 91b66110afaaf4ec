"""Results that are written where their reader wants them: in a window, in a joined tensor, in the caller's scores."""

import numpy as np
from kws_reference.tflite.graph import Op

from kws_codegen.checks import same_quantization
from kws_codegen.ir import Module, View
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.places import NewRows, Place, Scores


def run(module: Module) -> Module:
    """Lets the producers of new rows, of joined tensors and of the scores write them where they are needed.

    Whoever has a place already, or is joined twice, is copied there instead.
    """
    module = _new_rows(module)
    module = _scores(module)
    return _joined(module)


def _new_rows(module: Module) -> Module:
    for index, rows in module.sliding.items():
        if index not in module.summed:
            module = _put(module, rows.fresh, NewRows(index))
    return module


def _scores(module: Module) -> Module:
    return _put(module, module.scores, Scores())


def _put(module: Module, tensor: int, place: Place) -> Module:
    """Places what a tensor views if it is as large, an operator writes it, and it has no place yet."""
    root, _ = module.root(tensor)
    free = root not in module.places and module.graph.producer(root) is not None
    if not free or module.graph.tensors[root].size != module.graph.tensors[tensor].size:
        return module
    return module.replace(places={**module.places, root: place})


def _joined(module: Module) -> Module:
    """The operands of a CONCATENATION become parts of its result, where they lie in it in one piece."""
    sliding = {rows.concat.index for rows in module.sliding.values()}
    for op in module.graph.ops:
        if op.kind == "CONCATENATION" and op.index not in sliding and _is_in_pieces(module, op):
            module = _join(module, op)
    return module


def _is_in_pieces(module: Module, op: Op) -> bool:
    shape = module.graph.tensors[op.outputs[0]].shape
    axis = op.options.get("axis", 0) % len(shape) if shape else 0
    return op.options.get("activation", "NONE") == "NONE" and int(np.prod(shape[:axis], dtype=np.int64)) == 1


def _join(module: Module, op: Op) -> Module:
    graph, target = module.graph, op.outputs[0]
    offset, views = 0, dict(module.views)
    for index in op.inputs:
        tensor = graph.tensors[index]
        root, _ = module.root(index)
        free = root not in module.places and root not in views and graph.producer(root) is not None
        whole = graph.tensors[root].size == tensor.size and op.inputs.count(index) == 1
        if free and whole and root != target and same_quantization(tensor, graph.tensors[target]):
            views[root] = View(target, offset)
        offset += tensor.size
    return module.replace(views=views)


WRITE_IN_PLACE = Pass("write_in_place", run, optional=True)
