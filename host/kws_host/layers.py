"""From a state or a score that is wrong to the layers of the network that can be at fault."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kws_reference.bundle import Bundle

from kws_host.device import Run

if TYPE_CHECKING:  # the reference, and the reader of models, are loaded by what runs them
    from kws_reference.pipeline import Step
    from kws_reference.tflite.graph import Graph

    from kws_host.compare import Mismatch

SHOWN = 4


@functools.lru_cache(maxsize=4)
def _graph(model: bytes) -> "Graph":
    from kws_reference.tflite.reader import read

    return read(model)


def order_of_states(bundle: Bundle) -> tuple[int, ...]:
    """Returns indices of the bundle's states in the order in which a step computes them."""
    from kws_reference.tflite.suspects import written

    graph = _graph(bundle.model)
    producers = {tensor: op.index for op in graph.ops for tensor in written(graph, op)}
    order = [producers.get(graph.outputs[state.output_index], -1) for state in bundle.states]
    return tuple(sorted(range(len(order)), key=lambda state: order[state]))


def at_fault(bundle: Bundle, first: "Mismatch", run: Run, reference: Sequence["Step"]) -> str:
    """Names the layers between what is right in the step of a mismatch and what is wrong.

    Args:
      bundle: the model.
      first: the first mismatch of `run`, which was compared with digests.
      run: of the device.
      reference: the reference's steps, with CRCs of the states.

    Returns:
      Words for people; "" for a mismatch in front of the network or behind it.
    """
    from kws_reference.tflite.suspects import suspects

    graph = _graph(bundle.model)
    outputs = {f"state {state.name}": graph.outputs[state.output_index] for state in bundle.states}
    wrong = {**outputs, "scores": graph.outputs[bundle.scores.index]}.get(first.stage)
    if wrong is None:
        return ""
    crcs = next((digest.crcs for digest in run.digests if digest.step == first.step), ())
    sides = zip(outputs.values(), crcs, reference[first.step].state_crcs, strict=False)
    found = suspects(graph, wrong, [tensor for tensor, seen, wanted in sides if seen == wanted])
    names = ", ".join(graph.describe(op) for op in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"layers that can be at fault: {names}{more}" if found else ""
