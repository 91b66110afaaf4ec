"""How each state is kept, and where the model's ends lie."""

from kws_codegen.buffers import Held, PoolRing, StateBuffer, Window
from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.places import Features, Place, StateRows


def run(module: Module) -> Module:
    """Gives each state its buffer: a ring, a window, or else a copy that the end of a step replaces."""
    buffers: list[StateBuffer] = []
    places: dict[int, Place] = {module.features: Features()}
    for index, state in enumerate(module.states):
        shape, size = module.graph.tensors[state.source].shape, module.graph.tensors[state.source].stored_bytes
        rows = module.sliding.get(index)
        if rows is None:
            buffers.append(Held(index, state.name, shape[1], size // shape[1], state.reset_value))
            places[state.source] = StateRows(index)
            continue
        kept = (index, state.name, rows.rows, rows.row_bytes, state.reset_value)
        if index in module.summed:
            buffers.append(PoolRing(*kept))
        else:
            buffers.append(Window(*kept, rows_per_step=rows.new_rows, steps=module.options.window_steps))
            places[rows.joined] = StateRows(index)
    return module.replace(buffers=tuple(buffers), places=places)


KEEP_STATES = Pass("keep_states", run)
