"""The same model with its states in resource variables, as other tools export streaming models."""

import flatbuffers
import numpy as np
from kws_codegen.adopt.draft import Draft, numbers
from kws_reference.bundle import Bundle
from kws_reference.tflite.schema import IDENTIFIER, generated

_RESOURCE = generated.TensorType.RESOURCE


def with_variables(bundle: Bundle, *, first: dict[str, np.ndarray] | None = None) -> bytes:
    """Makes variables of a bundle's states, set to their reset values by a subgraph that CALL_ONCE calls.

    Args:
      bundle: with states.
      first: other first values of states, of their type and size, by name.
    """
    draft = Draft(bundle.model)
    graph, starting = draft.graph, generated.SubGraphT()
    starting.tensors, starting.inputs, starting.outputs, starting.operators = [], [], [], []
    inputs, outputs = numbers(graph.inputs), numbers(graph.outputs)
    ops = list(graph.operators)
    graph.operators = []
    once = generated.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    draft.add("CALL_ONCE", [], 0, once)
    graph.operators[0].outputs = []
    for state in bundle.states:
        source, sink = inputs[state.input_index], outputs[state.output_index]
        _handle(draft, graph, state.name)
        handle = len(graph.tensors) - 1
        draft.add("READ_VARIABLE", [handle], source, generated.ReadVariableOptionsT())
        value = np.full(int(np.prod(state.shape)), state.reset_value, state.dtype)
        _start(draft, starting, state.name, source, (first or {}).get(state.name, value))
        _assign(draft, ops, handle, sink)
    graph.operators += ops
    features, scores = inputs[bundle.features.index], outputs[bundle.scores.index]
    graph.inputs, graph.outputs = [features], [_unsigned(draft, scores)]
    draft.model.subgraphs = [graph, starting]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(draft.model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _handle(draft: Draft, graph: object, name: str) -> None:
    """A VAR_HANDLE at the end of a subgraph's operators; its tensor is the last one."""
    tensor, options = generated.TensorT(), generated.VarHandleOptionsT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = f"{name}/handle".encode(), [], _RESOURCE, 0
    graph.tensors.append(tensor)
    options.container, options.sharedName = b"", f"model/{name}/states".encode()
    main, draft.graph = draft.graph, graph
    draft.add("VAR_HANDLE", [], len(graph.tensors) - 1, options)
    draft.graph = main


def _start(draft: Draft, starting: object, name: str, like: int, value: np.ndarray) -> None:
    _handle(draft, starting, name)
    handle, buffer, tensor = len(starting.tensors) - 1, generated.BufferT(), generated.TensorT()
    buffer.data = value.view(np.uint8)
    draft.model.buffers.append(buffer)
    model = draft.tensor(like)
    tensor.name, tensor.shape, tensor.type = f"{name}/first".encode(), model.shape, model.type
    tensor.quantization, tensor.buffer = model.quantization, len(draft.model.buffers) - 1
    starting.tensors.append(tensor)
    _assign(draft, starting.operators, handle, len(starting.tensors) - 1)


def _assign(draft: Draft, ops: list, handle: int, value: int) -> None:
    draft.add("ASSIGN_VARIABLE", [handle, value], 0, generated.AssignVariableOptionsT())
    made = draft.graph.operators.pop()
    made.outputs = []
    ops.append(made)


def _unsigned(draft: Draft, scores: int) -> int:
    """The scores as UINT8, by a QUANTIZE at the end."""
    made = draft.like(scores, "unsigned", draft.shape(scores))
    tensor, quantization = draft.tensor(made), generated.QuantizationParametersT()
    scale, zero_point = draft.quantization(scores)
    quantization.scale, quantization.zeroPoint = np.array([scale], np.float32), np.array([zero_point + 128], np.int64)
    tensor.type, tensor.quantization = generated.TensorType.UINT8, quantization
    draft.add("QUANTIZE", [scores], made, generated.QuantizeOptionsT())
    return made
