"""What is in anybody's ``.tflite``, and what the kit can make of it, operator by operator."""

from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph, Op, Tensor
from kws_reference.tflite.reader import read, read_subgraphs

from kws_codegen.adopt.adoption import Adopted, adopt
from kws_codegen.checks import quantization_text
from kws_codegen.ir import Ends, KeptState
from kws_codegen.options import Options
from kws_codegen.passes.check_graph import check_operators
from kws_codegen.passes.lower_graph import refusals
from kws_codegen.passes.pipeline import compile_module, prepare_module
from kws_codegen.render.tflm_model import resolver_knows


def survey(data: bytes, options: Options) -> dict[str, Any]:
    """Everything that `text` prints, ready for JSON. Sizes are bytes.

    Args:
      data: bytes of a ``.tflite``.

    Raises:
      KwsError: they are none, or damaged.
    """
    graphs = read_subgraphs(data)
    if not graphs:
        raise KwsError("the model has no subgraph.")
    facts: dict[str, Any] = {
        "model_bytes": len(data),
        "subgraphs": len(graphs),
        "inputs": [_end(graphs[0].tensors[index]) for index in graphs[0].inputs],
        "outputs": [_end(graphs[0].tensors[index]) for index in graphs[0].outputs],
        "states": [],
        "changes": [],
        "why_not": "",
        "memory": {},
    }
    try:
        adopted = adopt(data, _coefficients(graphs[0]))
    except KwsError as error:
        return {**facts, "why_not": str(error), **_operators(graphs[0], _all_refused(graphs[0]))}
    return {**facts, **_of_adopted(adopted, options)}


def _coefficients(graph: Graph) -> int:
    """Features of a frame, taken for the last axis of the input that is longer than one."""
    shape = graph.tensors[graph.inputs[0]].shape if graph.inputs else ()
    return next((size for size in reversed(shape) if size > 1), 1)


def _of_adopted(adopted: Adopted, options: Options) -> dict[str, Any]:
    graph = read(adopted.model)
    states = tuple(
        KeptState(s.name, s.reset_value, graph.inputs[s.input.index], graph.outputs[s.output.index])
        for s in adopted.states
    )
    ends = Ends(graph.inputs[0], graph.outputs[0], states)
    facts: dict[str, Any] = {
        "changes": list(adopted.notes),
        "states": [{"name": s.name, "shape": list(s.input.shape), "bytes": s.size_bytes} for s in adopted.states],
    }
    try:
        check_operators(graph)
        refused = refusals(prepare_module(graph, ends, options))
    except KwsError as error:
        return {**facts, "why_not": str(error), **_operators(graph, _all_refused(graph))}
    facts |= _operators(graph, refused)
    if not refused:
        module = compile_module(graph, ends, options)
        assert module.program is not None and module.plan is not None
        constants = [constant.values.nbytes for call in module.program.calls for constant in call.constants]
        facts["memory"] = {
            "scratch_bytes": module.plan.scratch_bytes,
            "state_ram_bytes": sum(buffer.data_bytes for buffer in module.buffers),
            "weights_bytes": sum(constants),
        }
    return facts


def _all_refused(graph: Graph) -> dict[int, str]:
    return dict.fromkeys((op.index for op in graph.ops), "no bundle can hold the model")


def _end(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "type": tensor.dtype,
        "shape": list(tensor.shape),
        "quantization": quantization_text(tensor),
    }


def _operators(graph: Graph, refused: dict[int, str]) -> dict[str, Any]:
    """The operators of a graph; `refused`: why engine aot cannot run one, by its index."""
    rows = []
    for op in graph.ops:
        constants = [graph.tensors[i] for i in op.inputs if i >= 0 and graph.tensors[i].data is not None]
        result = graph.tensors[op.outputs[0]] if op.outputs else None
        rows.append(
            {
                "index": op.index,
                "kind": op.kind,
                "output": result.name if result else "",
                "type": result.dtype if result else "",
                "shape": list(result.shape) if result else [],
                "macs": macs_of(graph, op),
                "constant_bytes": sum(tensor.stored_bytes for tensor in constants),
                "aot": refused.get(op.index, ""),
                "tflm": "" if resolver_knows(op.kind) else f"its op resolver has no {op.kind}",
            }
        )
    return {"operators": rows, "macs_per_step": sum(row["macs"] for row in rows)}


def macs_of(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of an operator with weights or of a product of matrices; 0 for all others."""
    tensors = [graph.tensors[index] for index in op.inputs if index >= 0]
    result = graph.tensors[op.outputs[0]] if op.outputs else None
    if result is None or len(tensors) < 2:
        return 0
    weights = tensors[1].shape
    if op.kind in ("SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"):
        return _macs_of_states(graph, op)
    if op.kind == "CONV_2D" and len(weights) == 4:
        return result.size * int(np.prod(weights[1:], dtype=np.int64))
    if op.kind == "DEPTHWISE_CONV_2D" and len(weights) == 4:
        return result.size * weights[1] * weights[2]
    if op.kind in ("FULLY_CONNECTED", "BATCH_MATMUL") and len(weights) > 1 and len(tensors[0].shape) > 1:
        inner = weights[-1] if op.kind == "FULLY_CONNECTED" else tensors[0].shape[-2 if _adjoint(op) else -1]
        return result.size * inner
    return 0


def _macs_of_states(graph: Graph, op: Op) -> int:
    """Of an operator that keeps its state: every weight once in each of its steps."""
    matrices = [graph.tensors[i] for i in op.inputs if i >= 0 and graph.tensors[i].data is not None]
    x = graph.tensors[op.inputs[0]]
    steps = 1 if op.kind == "SVDF" or not x.shape else x.size // max(x.shape[-1], 1)
    return steps * sum(tensor.size for tensor in matrices if len(tensor.shape) > 1)


def _adjoint(op: Op) -> bool:
    return bool(op.options.get("adjoint_a"))


def text(facts: dict[str, Any], name: str) -> str:
    """`facts` as tables."""
    ends = [
        f"{what} {end['name']!r} {end['type']} {end['shape']} ({end['quantization']})" for what, end in _ends(facts)
    ]
    rows = facts["operators"]
    lines = [f"{name}: {facts['model_bytes']} bytes, {len(rows)} operators, {facts['macs_per_step']} MAC", *ends]
    lines += [f"state {state['name']!r} {state['shape']}: {state['bytes']} bytes" for state in facts["states"]]
    lines += [f"adopt: {change}" for change in facts["changes"]]
    lines += ["", f"{'':>4} {'operator':<30}{'output':<22}{'MAC':>10}{'constants':>11}  aot   tflm"]
    for row in rows:
        runs = [f"{'no' if row[engine] else 'yes':<6}" for engine in ("aot", "tflm")]
        shape = f"{row['type'].lower()}{row['shape']}".replace(" ", "")
        sizes = f"{row['macs']:>10}{row['constant_bytes']:>11}"
        lines.append(f"{row['index']:>4} {row['kind']:<30}{shape:<22}{sizes}  {''.join(runs)}".rstrip())
    lines += ["", *_verdict(facts)]
    return "\n".join(lines)


def _ends(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("input ", end) for end in facts["inputs"]] + [("output", end) for end in facts["outputs"]]


def _verdict(facts: dict[str, Any]) -> list[str]:
    if facts["why_not"]:
        return [f"No bundle can hold it: {facts['why_not']}"]
    lines = []
    for engine in ("aot", "tflm"):
        whys = list(dict.fromkeys(row[engine] for row in facts["operators"] if row[engine]))
        lines += [f"Engine {engine}: {why}" for why in whys] or [f"Engine {engine} runs it."]
    if memory := facts["memory"]:
        lines.append(
            f"Engine aot: {memory['weights_bytes']} bytes of constants in flash, {memory['state_ram_bytes']} of states "
            f"and {memory['scratch_bytes']} of scratch memory."
        )
    return lines
