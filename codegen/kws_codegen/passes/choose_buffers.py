"""Pass 3: chooses how each state is kept. A window serves every state, a ring those that are only averaged whole."""

from kws_reference.tflite.graph import Graph

from kws_codegen.buffers import PoolRing, StateBuffer, Window
from kws_codegen.lower.average_pool import AVERAGE_POOL_2D
from kws_codegen.options import Kernels, Options
from kws_codegen.passes.pair_states import StatePair


def choose_buffers(graph: Graph, pairs: tuple[StatePair, ...], options: Options) -> tuple[StateBuffer, ...]:
    """One buffer per state, in the manifest's order."""
    buffers: list[StateBuffer] = []
    for index, pair in enumerate(pairs):
        kept = (index, pair.name, pair.rows, pair.row_bytes, pair.reset_value)
        if options.kernels is not Kernels.CMSIS and _is_averaged_whole(graph, pair):
            buffers.append(PoolRing(*kept))
        else:
            buffers.append(Window(*kept, rows_per_step=pair.new_rows, steps=options.window_steps))
    return tuple(buffers)


def _is_averaged_whole(graph: Graph, pair: StatePair) -> bool:
    """Whether the state only feeds an average over all of its rows and one new row: a running sum serves."""
    users = [op for op in graph.consumers(pair.joined) if pair.sink not in op.outputs]
    if len(users) != 1 or users[0].kind != AVERAGE_POOL_2D.kind or pair.new_rows != 1:
        return False
    pool, shape = users[0], graph.tensors[pair.joined].shape
    whole = pool.options["filter_h"] == pair.rows + 1 and pool.options["filter_w"] == 1
    return whole and len(shape) == 4 and shape[2] == 1 and graph.tensors[pool.outputs[0]].shape[1] == 1
