"""Renders the program as C++. Numbers become text in the filters below; the layout is the templates' alone."""

import dataclasses
import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph

from kws_codegen.ir import Layer, Place, Program
from kws_codegen.plan import Plan
from kws_codegen.version import GENERATOR_ABI, GENERATOR_VERSION

TEMPLATES = Path(__file__).parent / "templates"
LINE_LENGTH = 118

# TensorFlow Lite Micro's names: MicroMutableOpResolver::Add<name>().
_RESOLVER_NAMES = {
    "ADD": "Add",
    "AVERAGE_POOL_2D": "AveragePool2D",
    "CONCATENATION": "Concatenation",
    "CONV_2D": "Conv2D",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "EXPAND_DIMS": "ExpandDims",
    "FULLY_CONNECTED": "FullyConnected",
    "LOGISTIC": "Logistic",
    "MAX_POOL_2D": "MaxPool2D",
    "MEAN": "Mean",
    "MUL": "Mul",
    "PAD": "Pad",
    "QUANTIZE": "Quantize",
    "RELU": "Relu",
    "RESHAPE": "Reshape",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SPLIT": "Split",
    "SPLIT_V": "SplitV",
    "SQUEEZE": "Squeeze",
    "STRIDED_SLICE": "StridedSlice",
    "SUB": "Sub",
    "TRANSPOSE": "Transpose",
}

# Operators of which TensorFlow Lite Micro has a registration for int8 alone, Register_<name>_INT8(): it brings no
# kernels of other types into the image. Their Add<name>() takes the registration as its argument. Trees without such
# kernels (no CMSIS-NN) declare the same names and give the general registration for them.
# The value: the header of the tree's kernels that declares it.
_INT8_REGISTRATIONS = {
    "ADD": "add.h",
    "AVERAGE_POOL_2D": "pooling.h",
    "CONV_2D": "conv.h",
    "DEPTHWISE_CONV_2D": "depthwise_conv.h",
    "FULLY_CONNECTED": "fully_connected.h",
    "MAX_POOL_2D": "pooling.h",
    "MUL": "mul.h",
    "SOFTMAX": "softmax.h",
}

# Parts of other owners: (module, function) -> context of the template files with that stem.
_PLUGINS = (
    ("kws_codegen.frontend_context", "frontend_context", ("frontend_tables.h", "frontend_tables.cc")),
    ("kws_codegen.detector_context", "detector_context", ("detector_config.h", "detector_config.cc")),
)


# --- Filters ---------------------------------------------------------------------------------------------------------


def numbers(values: Iterable[int], indent: int = 4) -> str:
    """Integers as comma-separated lines, without a trailing line break."""
    lines, line = [], " " * indent
    for value in np.asarray(values).reshape(-1).tolist():
        text = f"{value}," if value != -(2**31) else "INT32_MIN,"
        if len(line) + len(text) > LINE_LENGTH:
            lines.append(line.rstrip())
            line = " " * indent
        line += text + " "
    return "\n".join([*lines, line.rstrip()])


def hex_bytes(values: bytes, indent: int = 4) -> str:
    """Bytes as lines of hexadecimal numbers."""
    per_line = (LINE_LENGTH - indent) // 5
    rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    return "\n".join(" " * indent + ",".join(f"0x{byte:02x}" for byte in row) + "," for row in rows)


def c_string(text: str) -> str:
    """A C string literal in ASCII."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127 and char != "?":
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def comment(text: str) -> str:
    """Text that is safe behind ``//``: no line is continued, not even by a trigraph."""
    return "".join(char if 32 <= ord(char) < 127 and char not in "\\?" else "_" for char in text)


def camel(name: str) -> str:
    """A C++ constant's name without its ``k``: ``block1.depthwise`` -> ``Block1Depthwise``."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in name).split()
    return "".join(word[0].upper() + word[1:] for word in words)


def macro_case(name: str) -> str:
    """A C++ variable's name: ``Block 1`` -> ``block_1``."""
    return "_".join("".join(c.lower() if c.isascii() and c.isalnum() else " " for c in name).split())


# --- Contexts --------------------------------------------------------------------------------------------------------


def _common(bundle: Bundle) -> dict[str, Any]:
    return {
        "abi": GENERATOR_ABI,
        "version": GENERATOR_VERSION,
        "bundle_name": bundle.name,
        "model_sha256": bundle.model_sha256,
    }


def _model_info(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "sha256_bytes": bytes.fromhex(bundle.model_sha256),
        "labels": bundle.labels,
        "features": bundle.features,
        "scores": bundle.scores,
        "feature_count": bundle.frontend.coefficients,
        "frames_per_step": bundle.frames_per_step,
        "sample_rate_hz": bundle.frontend.sample_rate_hz,
        "window_samples": bundle.frontend.window_samples,
        "hop_samples": bundle.frontend.hop_samples,
        "states": [
            {"name": s.name, "size": int(np.prod(s.shape)), "reset": s.reset_value, "shape": s.shape}
            for s in bundle.states
        ],
    }


def _requantization(layer: Layer) -> np.ndarray:
    linear = layer.params["linear"]
    last = np.where(linear.multipliers == 0, 0, -linear.shifts - 1) if linear.fast else linear.shifts
    return np.stack([linear.folded_bias, linear.multipliers, last])


def _aot(graph: Graph, program: Program, plan: Plan) -> dict[str, Any]:
    states = []
    taken = {"scratch", "profiler", "ready"}  # g_... of the template
    for state in program.states:
        name = macro_case(state.name) or "state"
        while name in taken:
            name += "_"
        taken.add(name)
        states.append({**dataclasses.asdict(state), "size": state.size, "variable": f"g_{name}"})

    def place(where: Place) -> str:
        if where.kind == "value":
            return f"g_scratch + {plan.offset('value', where.index)}"
        if where.kind == "rows":
            return f"{states[where.index]['variable']}.Rows()"
        if where.kind == "new_rows":
            return f"{states[where.index]['variable']}.NewRows()"
        return where.kind

    layers, weights_bytes, constants = [], 0, set()
    for index, layer in enumerate(program.layers):
        constant = camel(layer.name)
        while constant in constants:
            constant += "_"
        constants.add(constant)
        item = {
            **layer.params,
            "kind": layer.kind,
            "name": layer.name,
            "constant": constant,
            "inputs_at": [place(where) for where in layer.inputs],
            "output_at": place(layer.output),
            "work_at": f"g_scratch + {plan.offset('work', index)}" if layer.scratch_bytes else "nullptr",
            "work_bytes": layer.scratch_bytes,
            "comment": graph.describe(graph.ops[layer.op]) if layer.op >= 0 else "",
        }
        if "linear" in layer.params:
            linear = layer.params["linear"]
            if layer.kind.startswith("cmsis"):
                # CMSIS-NN sums the weights itself: its bias is the model's.
                table = np.stack([linear.bias, linear.multipliers, linear.shifts])
            else:
                table = _requantization(layer)
            item.update(weights=linear.weights, table=table, rounding="kFast" if linear.fast else "kAny")
            whole = (layer.params["range"].low, layer.params["range"].high) == (-128, 127)
            item["clamping"] = "kInt8" if whole else "kRange"
            weights_bytes += linear.weights.size + 4 * table.size
        layers.append(item)
    return {
        "layers": layers,
        "states": states,
        "scratch_bytes": max(plan.scratch_bytes, 16),
        "weights_bytes": weights_bytes,
        "uses_int4": any(layer.kind.endswith("int4") for layer in program.layers),
        "uses_cmsis": any(layer.kind.startswith("cmsis") for layer in program.layers),
        "macs": program.macs,
    }


def _all_int8(graph: Graph, kind: str) -> bool:
    """Whether every operator of a kind reads int8 activations and int8 weights and writes int8.

    A registration for int8 alone reads whatever it is given as int8, packed int4 weights too: it may stand only here.
    """
    indices = {index for op in graph.ops if op.kind == kind for index in (*op.inputs[:2], *op.outputs) if index >= 0}
    return all(graph.tensors[index].dtype == "INT8" for index in indices)


def _unsafe_for_tflm(graph: Graph) -> str | None:
    """Why TensorFlow Lite Micro cannot run the model that its op resolver has all kernels for, or None."""
    for op in graph.ops:
        if op.kind == "DEPTHWISE_CONV_2D" and len(op.inputs) > 2 and op.inputs[2] < 0:
            return (
                f"{graph.describe(op)}: TensorFlow Lite Micro crashes on a depthwise convolution whose bias is left "
                "out as input -1; give it a bias of zeros"
            )
    return None


def _tflm(bundle: Bundle, graph: Graph) -> dict[str, Any]:
    adds, headers = [], set()
    for kind in graph.op_kinds:
        if kind not in _RESOLVER_NAMES:
            raise KwsError(f"cannot generate the op resolver of engine tflm: operator {kind} is not known to it.")
        registration = ""
        if kind in _INT8_REGISTRATIONS and _all_int8(graph, kind):
            registration = f"tflite::Register_{kind}_INT8()"
            headers.add(_INT8_REGISTRATIONS[kind])
        adds.append({"name": _RESOLVER_NAMES[kind], "registration": registration})
    return {
        "model": bundle.model,
        "fault": _unsafe_for_tflm(graph),
        "adds": adds,
        "kernel_headers": sorted(headers),
        "features_index": bundle.features.index,
        "scores_index": bundle.scores.index,
        "pairs": [
            {
                "name": s.name,
                "input": s.input_index,
                "output": s.output_index,
                "size": int(np.prod(s.shape)),
                "reset": s.reset_value,
            }
            for s in bundle.states
        ],
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(numbers=numbers, hex_bytes=hex_bytes, c_string=c_string, comment=comment)
    environment.filters.update(camel=camel, macro_case=macro_case)
    return environment


def render(bundle: Bundle, graph: Graph, program: Program | None = None, plan: Plan | None = None) -> dict[str, str]:
    """Renders every generated file; those of engine aot only when there are a program and its plan.

    Returns:
      File name -> text, sorted by name. Equal input gives equal text: nothing of time, place or user enters.

    Raises:
      KwsError: an operator has no place in engine tflm's op resolver, or, without a program, TensorFlow Lite Micro
        cannot run the model. With one the files of engine tflm are written all the same and do not compile.
    """
    if program is None and (fault := _unsafe_for_tflm(graph)):
        raise KwsError(f"cannot generate engine tflm for {fault}.")
    environment = _environment()
    common = {**_common(bundle), "info": _model_info(bundle)}
    contexts: dict[str, dict[str, Any]] = {
        "model_info.h": common,
        "model_info.cc": common,
        "tflm_model.h": {**common, **_tflm(bundle, graph)},
        "tflm_model.cc": {**common, **_tflm(bundle, graph)},
    }
    if program is not None and plan is not None:
        contexts["aot_model.cc"] = {**common, **_aot(graph, program, plan)}
    for module_name, function, files in _PLUGINS:
        if not (TEMPLATES / f"{files[0]}.j2").exists():
            continue
        context = getattr(importlib.import_module(module_name), function)(bundle)
        contexts.update({name: {**common, **context} for name in files})
    rendered = {name: environment.get_template(f"{name}.j2").render(context) for name, context in contexts.items()}
    return dict(sorted(rendered.items()))
