"""What the generator made of a bundle: layers, states and the memory plan, as numbers and as text."""

from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.tflite.graph import Graph

from kws_codegen.buffers import StateBuffer
from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.linear import LinearCall
from kws_codegen.places import ScratchValue, describe
from kws_codegen.plan import Block, Plan, Work
from kws_codegen.program import Program


def facts(bundle: Bundle, graph: Graph, program: Program, plan: Plan) -> dict[str, Any]:
    """Everything that `text` prints, ready for JSON. Sizes are bytes."""
    layers = [_layer(graph, program, index, call) for index, call in enumerate(program.calls)]
    states = [_state(buffer) for buffer in program.buffers]
    return {
        "bundle": bundle.name,
        "model_sha256": bundle.model_sha256,
        "operators": len(graph.ops),
        "macs_per_step": program.macs,
        "layers": layers,
        "states": states,
        "scratch_blocks": [_block(program, block) for block in plan.blocks],
        "memory": {
            "scratch_bytes": plan.scratch_bytes,
            "scratch_lower_bound_bytes": plan.peak_bytes,
            "scratch_unshared_bytes": plan.unshared_bytes,
            "state_ram_bytes": sum(state["ram_bytes"] for state in states),
            "state_tensor_bytes": sum(state["tensor_bytes"] for state in states),
            "weights_bytes": sum(layer["weights_bytes"] + layer["table_bytes"] for layer in layers),
        },
    }


def _layer(graph: Graph, program: Program, index: int, call: KernelCall) -> dict[str, Any]:
    rounding, names = "", [buffer.name for buffer in program.buffers]
    if isinstance(call, LinearCall):
        rounding = "fast" if call.requantization.fast else "any"
    return {
        "index": index,
        "name": call.name,
        "kernel": call.kernel,
        "op": graph.describe(call.op) if call.op else "",
        "inputs": [describe(place, names) for place in call.reads],
        "output": describe(call.writes, names),
        "weights_bytes": call.weights.values.nbytes if call.weights else 0,
        "table_bytes": sum(table.values.nbytes for table in call.tables),
        "work_bytes": call.scratch_bytes,
        "rounding": rounding,
    }


def _state(buffer: StateBuffer) -> dict[str, Any]:
    return {
        "name": buffer.name,
        "kind": buffer.kind,
        "rows": buffer.rows,
        "new_rows": buffer.new_rows,
        "row_bytes": buffer.row_bytes,
        "tensor_bytes": buffer.size,
        "ram_bytes": buffer.data_bytes,
    }


def _block(program: Program, block: Block) -> dict[str, Any]:
    match block.holds:
        case ScratchValue(index):
            what = f"value {index}"
        case Work(call):
            what = f"work of {program.calls[call].name}"
    return {
        "offset": block.offset,
        "size": block.size,
        "what": what,
        "first_layer": block.first,
        "last_layer": block.last,
    }


def text(facts: dict[str, Any]) -> str:
    """`facts` as tables."""
    lines = [
        f"{facts['bundle']}  {facts['model_sha256']}",
        f"{facts['operators']} operators -> {len(facts['layers'])} kernel calls, {facts['macs_per_step']} MAC per step",
        "",
        f"{'layer':<24}{'kernel':<22}{'weights':>8}{'tables':>8}{'work':>6}  from -> to",
    ]
    for layer in facts["layers"]:
        route = f"{', '.join(layer['inputs'])} -> {layer['output']}"
        sizes = f"{layer['weights_bytes']:>8}{layer['table_bytes']:>8}{layer['work_bytes']:>6}"
        lines.append(f"{layer['name']:<24}{layer['kernel']:<22}{sizes}  {route}")
    lines += ["", f"{'state':<24}{'kind':<10}{'rows':>6}{'new':>5}{'row bytes':>11}{'RAM bytes':>11}"]
    for s in facts["states"]:
        lines.append(
            f"{s['name']:<24}{s['kind']:<10}{s['rows']:>6}{s['new_rows']:>5}{s['row_bytes']:>11}{s['ram_bytes']:>11}"
        )
    lines += ["", f"{'offset':>8}{'size':>8}  {'layers':<10}scratch block"]
    for block in facts["scratch_blocks"]:
        span = f"{block['first_layer']}-{block['last_layer']}"
        lines.append(f"{block['offset']:>8}{block['size']:>8}  {span:<10}{block['what']}")
    memory = facts["memory"]
    lines += [
        "",
        f"scratch  {memory['scratch_bytes']} bytes (lower bound {memory['scratch_lower_bound_bytes']}, "
        f"without sharing {memory['scratch_unshared_bytes']})",
        f"states   {memory['state_ram_bytes']} bytes of RAM for {memory['state_tensor_bytes']} bytes of state tensors",
        f"weights  {memory['weights_bytes']} bytes of flash, tables included",
    ]
    return "\n".join(lines)
