"""Template context of tflm_model.h and tflm_model.cc: the flatbuffer and an op resolver with exactly its operators."""

import dataclasses
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph


@dataclasses.dataclass(frozen=True)
class _Registration:
    """How TensorFlow Lite Micro names an operator.

    Attributes:
      name: of ``MicroMutableOpResolver::Add<name>()``.
      int8_header: header of the kernels that declares ``Register_<kind>_INT8()``, a registration for int8 alone, which
        brings no kernels of other types into the image and which ``Add<name>()`` takes as its argument; None where
        there is none. Trees without such kernels (no CMSIS-NN) declare the same names and give the general
        registration for them.
    """

    name: str
    int8_header: str | None = None


_OPERATORS = {
    "ADD": _Registration("Add", int8_header="add.h"),
    "AVERAGE_POOL_2D": _Registration("AveragePool2D", int8_header="pooling.h"),
    "CONCATENATION": _Registration("Concatenation"),
    "CONV_2D": _Registration("Conv2D", int8_header="conv.h"),
    "DEPTHWISE_CONV_2D": _Registration("DepthwiseConv2D", int8_header="depthwise_conv.h"),
    "EXPAND_DIMS": _Registration("ExpandDims"),
    "FULLY_CONNECTED": _Registration("FullyConnected", int8_header="fully_connected.h"),
    "LOGISTIC": _Registration("Logistic"),
    "MAX_POOL_2D": _Registration("MaxPool2D", int8_header="pooling.h"),
    "MEAN": _Registration("Mean"),
    "MUL": _Registration("Mul", int8_header="mul.h"),
    "PAD": _Registration("Pad"),
    "QUANTIZE": _Registration("Quantize"),
    "RELU": _Registration("Relu"),
    "RESHAPE": _Registration("Reshape"),
    "SLICE": _Registration("Slice"),
    "SOFTMAX": _Registration("Softmax", int8_header="softmax.h"),
    "SPLIT": _Registration("Split"),
    "SPLIT_V": _Registration("SplitV"),
    "SQUEEZE": _Registration("Squeeze"),
    "STRIDED_SLICE": _Registration("StridedSlice"),
    "SUB": _Registration("Sub"),
    "TRANSPOSE": _Registration("Transpose"),
}


def resolver_knows(kind: str) -> bool:
    """Whether engine tflm's op resolver has a place for an operator."""
    return kind in _OPERATORS


def _all_int8(graph: Graph, kind: str) -> bool:
    """Whether every operator of a kind reads int8 activations and int8 weights and writes int8.

    A registration for int8 alone reads whatever it is given as int8, packed int4 weights too: it may stand only here.
    """
    indices = {index for op in graph.ops if op.kind == kind for index in (*op.inputs[:2], *op.outputs) if index >= 0}
    return all(graph.tensors[index].dtype == "INT8" for index in indices)


def fault_of(graph: Graph) -> str | None:
    """Why TensorFlow Lite Micro cannot run the model that its op resolver has all kernels for, or None."""
    for op in graph.ops:
        if op.kind == "DEPTHWISE_CONV_2D" and len(op.inputs) > 2 and op.inputs[2] < 0:
            return (
                f"{graph.describe(op)}: TensorFlow Lite Micro crashes on a depthwise convolution whose bias is left "
                "out as input -1; give it a bias of zeros"
            )
    return None


def context(bundle: Bundle, graph: Graph) -> dict[str, Any]:
    """What the templates need.

    Raises:
      KwsError: an operator has no place in the op resolver.
    """
    adds, headers = [], set()
    for kind in graph.op_kinds:
        known = _OPERATORS.get(kind)
        if known is None:
            raise KwsError(f"cannot generate the op resolver of engine tflm: operator {kind} is not known to it.")
        registration = ""
        if known.int8_header and _all_int8(graph, kind):
            registration = f"tflite::Register_{kind}_INT8()"
            headers.add(known.int8_header)
        adds.append({"name": known.name, "registration": registration})
    return {
        "model": bundle.model,
        "fault": fault_of(graph),
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
