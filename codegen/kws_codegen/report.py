"""What the generator made of a bundle: layers, states and the memory plan, as numbers and as text."""

from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.tflite.graph import Graph

from kws_codegen.ir import Place, Program
from kws_codegen.plan import Plan


def _place(program: Program, place: Place) -> str:
    if place.kind == "value":
        return f"value {place.index}"
    if place.kind in ("rows", "new_rows"):
        return f"{program.states[place.index].name}[{'all' if place.kind == 'rows' else 'new'}]"
    return place.kind


def facts(bundle: Bundle, graph: Graph, program: Program, plan: Plan) -> dict[str, Any]:
    """Everything that `text` prints, ready for JSON. Sizes are bytes."""
    layers = []
    for index, layer in enumerate(program.layers):
        linear = layer.params.get("linear")
        layers.append(
            {
                "index": index,
                "name": layer.name,
                "kernel": layer.kind,
                "op": graph.describe(graph.ops[layer.op]) if layer.op >= 0 else "",
                "inputs": [_place(program, place) for place in layer.inputs],
                "output": _place(program, layer.output),
                "weights_bytes": int(linear.weights.size) if linear else 0,
                "table_bytes": 12 * int(linear.bias.size) if linear else 0,
                "work_bytes": layer.scratch_bytes,
                "rounding": ("fast" if linear.fast else "any") if linear else "",
            }
        )
    states = []
    for state in program.states:
        if state.kind == "window":
            ram = (state.rows + state.new_rows * state.steps) * state.row_bytes
        else:
            ram = state.rows * state.row_bytes + state.row_bytes * (2 if (state.rows + 1) * 128 <= 32767 else 4)
        states.append(
            {
                "name": state.name,
                "kind": state.kind,
                "rows": state.rows,
                "new_rows": state.new_rows,
                "row_bytes": state.row_bytes,
                "tensor_bytes": state.size,
                "ram_bytes": ram,
            }
        )
    blocks = [
        {
            "offset": block.offset,
            "size": block.size,
            "what": f"{block.what} {block.index}"
            if block.what == "value"
            else f"work of {program.layers[block.index].name}",
            "first_layer": block.first,
            "last_layer": block.last,
        }
        for block in plan.blocks
    ]
    return {
        "bundle": bundle.name,
        "model_sha256": bundle.model_sha256,
        "operators": len(graph.ops),
        "macs_per_step": program.macs,
        "layers": layers,
        "states": states,
        "scratch_blocks": blocks,
        "memory": {
            "scratch_bytes": plan.scratch_bytes,
            "scratch_lower_bound_bytes": plan.peak_bytes,
            "scratch_unshared_bytes": plan.unshared_bytes,
            "state_ram_bytes": sum(state["ram_bytes"] for state in states),
            "state_tensor_bytes": sum(state["tensor_bytes"] for state in states),
            "weights_bytes": sum(layer["weights_bytes"] + layer["table_bytes"] for layer in layers),
        },
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
