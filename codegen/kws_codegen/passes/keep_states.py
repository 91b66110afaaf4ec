"""How each state is kept, and where the model's ends lie."""

from kws_codegen.buffers import Held, PoolRing, StateBuffer, SvdfMemory, Window
from kws_codegen.ir import KeptState, Module
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.places import Features, Place, StateRows


def run(module: Module) -> Module:
    """Gives each state its buffer: a ring, a window, an SVDF's memory, or else a copy that a step replaces."""
    buffers: list[StateBuffer] = []
    places: dict[int, Place] = {module.features: Features()}
    for index, state in enumerate(module.states):
        shape, size = module.graph.tensors[state.source].shape, module.graph.tensors[state.source].stored_bytes
        rows = module.sliding.get(index)
        if (memory := _memory(module, index, state)) is not None:
            buffers.append(memory)
            continue
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


def _memory(module: Module, index: int, state: KeptState) -> SvdfMemory | None:
    """The buffer of a state that an SVDF keeps; what contradicts itself is refused by the operator's lowering."""
    graph, tensor = module.graph, module.graph.tensors[state.source]
    readers = graph.consumers(state.source)
    if not tensor.is_variable or len(readers) != 1 or readers[0].kind != "SVDF" or state.sink != state.source:
        return None
    shape = graph.tensors[readers[0].inputs[2]].shape
    if len(shape) != 2:
        return None
    filters, steps = shape
    if tensor.size != filters * steps or min(filters, steps) < 1:
        return None
    row_bytes = tensor.stored_bytes // filters
    return SvdfMemory(
        index, state.name, filters, row_bytes, state.reset_value, steps=steps, shifts=module.options.window_steps
    )


KEEP_STATES = Pass("keep_states", run)
