"""Before all passes: operators have what their kinds must have, and the manifest's tensors are the graph's ends."""

import numpy as np
from kws_reference.bundle import Bundle, Endpoint, State
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph

from kws_codegen.checks import quantization_text, refuse, same_quantization
from kws_codegen.lower.operators import OPERATORS


def check_graph(bundle: Bundle, graph: Graph) -> None:
    """Checks what all later passes rely on.

    Raises:
      KwsError: an operator is incomplete, or manifest and graph disagree.
    """
    check_operators(graph)
    _check_counts(bundle, graph)
    _check_states(bundle, graph)
    _check_tensors(bundle, graph)


def check_operators(graph: Graph) -> None:
    """Checks that operators have the inputs and options without which they mean nothing.

    Raises:
      KwsError: one has not.
    """
    for op in graph.ops:
        operator = OPERATORS.get(op.kind)
        if operator is None:
            continue  # refused by name when its turn comes
        for position in range(operator.required_inputs):
            if position >= len(op.inputs) or op.inputs[position] < 0:
                refuse(graph, op, f"input {position} is missing")
        if operator.needs_options and not op.options:
            refuse(graph, op, "its options are missing")
        if operator.max_inputs is not None and len(op.inputs) > operator.max_inputs:
            refuse(graph, op, f"it has {len(op.inputs)} inputs, {operator.max_inputs} are supported")


def _check_counts(bundle: Bundle, graph: Graph) -> None:
    if len(graph.inputs) != 1 + len(bundle.states):
        raise KwsError(
            f"the model has {len(graph.inputs)} inputs, the manifest names features and {len(bundle.states)} states. "
            "A state pair is missing: export the bundle again."
        )
    if len(graph.outputs) != 1 + len(bundle.states):
        raise KwsError(
            f"the model has {len(graph.outputs)} outputs, the manifest names scores and {len(bundle.states)} states. "
            "A state pair is missing: export the bundle again."
        )


def _check_states(bundle: Bundle, graph: Graph) -> None:
    for state in bundle.states:
        source, sink = graph.tensors[graph.inputs[state.input_index]], graph.tensors[graph.outputs[state.output_index]]
        if not same_quantization(source, sink):
            raise KwsError(
                f"state {state.name}: output '{sink.name}' ({quantization_text(sink)}) and input '{source.name}' "
                f"({quantization_text(source)}) differ, so the output cannot be fed back. Export with equal ranges."
            )
        if source.shape != sink.shape:
            raise KwsError(
                f"state {state.name}: output '{sink.name}' has shape {list(sink.shape)}, "
                f"input '{source.name}' {list(source.shape)}. They must be equal."
            )


def _check_tensors(bundle: Bundle, graph: Graph) -> None:
    """Types, shapes and quantization are the manifest's."""
    ends: list[tuple[str, int, Endpoint | State]] = [
        ("features", graph.inputs[bundle.features.index], bundle.features),
        ("scores", graph.outputs[bundle.scores.index], bundle.scores),
    ]
    ends += [(f"state {state.name}", graph.inputs[state.input_index], state) for state in bundle.states]
    for what, index, wanted in ends:
        tensor = graph.tensors[index]
        dtype = wanted.dtype.upper() if isinstance(wanted, State) else "INT8"
        if tensor.dtype != dtype:
            raise KwsError(f"{what}: tensor '{tensor.name}' has type {tensor.dtype}, only {dtype} is supported.")
        if tensor.shape != wanted.shape:
            raise KwsError(
                f"{what}: the manifest says shape {list(wanted.shape)}, "
                f"tensor '{tensor.name}' has {list(tensor.shape)}."
            )
        matches = len(tensor.scales) == 1 and np.float32(wanted.scale) == np.float32(tensor.scales[0])
        if not matches or tensor.zero_points != (wanted.zero_point,):
            raise KwsError(
                f"{what}: the manifest says scale {wanted.scale:.9g}, zero point {wanted.zero_point}; "
                f"tensor '{tensor.name}' has {quantization_text(tensor)}."
            )
