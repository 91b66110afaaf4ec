"""Windows that are only averaged whole: a running sum serves instead of all their rows."""

from kws_codegen.ir import Module, SlidingRows
from kws_codegen.lower.average_pool import AVERAGE_POOL_2D
from kws_codegen.options import Kernels
from kws_codegen.passes.compiler_pass import Pass


def run(module: Module) -> Module:
    """Finds the windows of which only the average over all rows and one new row is read."""
    if module.options.kernels is Kernels.CMSIS:
        return module
    return module.replace(summed=frozenset(i for i, rows in module.sliding.items() if _is_averaged_whole(module, rows)))


def _is_averaged_whole(module: Module, rows: SlidingRows) -> bool:
    graph = module.graph
    users = [op for op in graph.consumers(rows.joined) if op.index != rows.cut.index]
    if len(users) != 1 or users[0].kind != AVERAGE_POOL_2D.kind or rows.new_rows != 1:
        return False
    pool, shape = users[0], graph.tensors[rows.joined].shape
    if graph.tensors[rows.joined].dtype != "INT8":
        return False  # sums of int16 rows would need 32 bits each
    whole = pool.options["filter_h"] == rows.rows + 1 and pool.options["filter_w"] == 1
    averages = graph.tensors[pool.outputs[0]].shape
    return whole and len(shape) == len(averages) == 4 and shape[2] == 1 and averages[1] == 1


SUM_RINGS = Pass("sum_rings", run, optional=True)
