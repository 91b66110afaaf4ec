"""Template context of tflm_model.h and tflm_model.cc: the flatbuffer and an op resolver with exactly its operators."""

import dataclasses
from typing import Any

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


REGISTRATIONS = {
    "ABS": _Registration("Abs"),
    "ADD": _Registration("Add", int8_header="add.h"),
    "ADD_N": _Registration("AddN"),
    "ARG_MAX": _Registration("ArgMax"),
    "ARG_MIN": _Registration("ArgMin"),
    "ASSIGN_VARIABLE": _Registration("AssignVariable"),
    "AVERAGE_POOL_2D": _Registration("AveragePool2D", int8_header="pooling.h"),
    "BATCH_MATMUL": _Registration("BatchMatMul"),
    "BATCH_TO_SPACE_ND": _Registration("BatchToSpaceNd"),
    "BROADCAST_ARGS": _Registration("BroadcastArgs"),
    "BROADCAST_TO": _Registration("BroadcastTo"),
    "CAST": _Registration("Cast"),
    "CEIL": _Registration("Ceil"),
    "CONCATENATION": _Registration("Concatenation"),
    "CONV_2D": _Registration("Conv2D", int8_header="conv.h"),
    "COS": _Registration("Cos"),
    "CUMSUM": _Registration("CumSum"),
    "DEPTHWISE_CONV_2D": _Registration("DepthwiseConv2D", int8_header="depthwise_conv.h"),
    "DEPTH_TO_SPACE": _Registration("DepthToSpace"),
    "DEQUANTIZE": _Registration("Dequantize"),
    "DIV": _Registration("Div"),
    "ELU": _Registration("Elu"),
    "EMBEDDING_LOOKUP": _Registration("EmbeddingLookup"),
    "EQUAL": _Registration("Equal"),
    "EXP": _Registration("Exp"),
    "EXPAND_DIMS": _Registration("ExpandDims"),
    "FILL": _Registration("Fill"),
    "FLOOR": _Registration("Floor"),
    "FLOOR_DIV": _Registration("FloorDiv"),
    "FLOOR_MOD": _Registration("FloorMod"),
    "FULLY_CONNECTED": _Registration("FullyConnected", int8_header="fully_connected.h"),
    "GATHER": _Registration("Gather"),
    "GATHER_ND": _Registration("GatherNd"),
    "GREATER": _Registration("Greater"),
    "GREATER_EQUAL": _Registration("GreaterEqual"),
    "HARD_SWISH": _Registration("HardSwish"),
    "L2_NORMALIZATION": _Registration("L2Normalization"),
    "L2_POOL_2D": _Registration("L2Pool2D"),
    "LEAKY_RELU": _Registration("LeakyRelu"),
    "LESS": _Registration("Less"),
    "LESS_EQUAL": _Registration("LessEqual"),
    "LOG": _Registration("Log"),
    "LOGICAL_AND": _Registration("LogicalAnd"),
    "LOGICAL_NOT": _Registration("LogicalNot"),
    "LOGICAL_OR": _Registration("LogicalOr"),
    "LOGISTIC": _Registration("Logistic"),
    "LOG_SOFTMAX": _Registration("LogSoftmax"),
    "MAXIMUM": _Registration("Maximum"),
    "MAX_POOL_2D": _Registration("MaxPool2D", int8_header="pooling.h"),
    "MEAN": _Registration("Mean"),
    "MINIMUM": _Registration("Minimum"),
    "MIRROR_PAD": _Registration("MirrorPad"),
    "MUL": _Registration("Mul", int8_header="mul.h"),
    "NEG": _Registration("Neg"),
    "NOT_EQUAL": _Registration("NotEqual"),
    "PACK": _Registration("Pack"),
    "PAD": _Registration("Pad"),
    "PADV2": _Registration("PadV2"),
    "PRELU": _Registration("Prelu"),
    "QUANTIZE": _Registration("Quantize"),
    "READ_VARIABLE": _Registration("ReadVariable"),
    "REDUCE_MAX": _Registration("ReduceMax"),
    "REDUCE_MIN": _Registration("ReduceMin"),
    "RELU": _Registration("Relu"),
    "RELU6": _Registration("Relu6"),
    "RESHAPE": _Registration("Reshape"),
    "RESIZE_BILINEAR": _Registration("ResizeBilinear"),
    "RESIZE_NEAREST_NEIGHBOR": _Registration("ResizeNearestNeighbor"),
    "REVERSE_V2": _Registration("ReverseV2"),
    "ROUND": _Registration("Round"),
    "RSQRT": _Registration("Rsqrt"),
    "SELECT_V2": _Registration("SelectV2"),
    "SHAPE": _Registration("Shape"),
    "SIN": _Registration("Sin"),
    "SLICE": _Registration("Slice"),
    "SOFTMAX": _Registration("Softmax", int8_header="softmax.h"),
    "SPACE_TO_BATCH_ND": _Registration("SpaceToBatchNd"),
    "SPACE_TO_DEPTH": _Registration("SpaceToDepth"),
    "SPLIT": _Registration("Split"),
    "SPLIT_V": _Registration("SplitV"),
    "SQRT": _Registration("Sqrt"),
    "SQUARE": _Registration("Square"),
    "SQUARED_DIFFERENCE": _Registration("SquaredDifference"),
    "SQUEEZE": _Registration("Squeeze"),
    "STRIDED_SLICE": _Registration("StridedSlice"),
    "SUB": _Registration("Sub"),
    "SUM": _Registration("Sum"),
    "SVDF": _Registration("Svdf"),
    "TANH": _Registration("Tanh"),
    "TRANSPOSE": _Registration("Transpose"),
    "TRANSPOSE_CONV": _Registration("TransposeConv"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _Registration("UnidirectionalSequenceLSTM"),
    "UNPACK": _Registration("Unpack"),
    "VAR_HANDLE": _Registration("VarHandle"),
    "ZEROS_LIKE": _Registration("ZerosLike"),
}
"""Those of ``MicroMutableOpResolver`` that can stand in a model of one subgraph."""


def resolver_knows(kind: str) -> bool:
    """Whether engine tflm's op resolver has a place for an operator."""
    return kind in REGISTRATIONS


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


def _check_states(bundle: Bundle, graph: Graph) -> None:
    """Refuses variable tensors that the manifest does not name: the engine could neither reset nor report them."""
    named = {graph.inputs[state.input_index] for state in bundle.states}
    for op in graph.ops:
        for index in op.inputs:
            if index >= 0 and graph.tensors[index].is_variable and index not in named:
                name = graph.tensors[index].name
                raise KwsError(
                    f"cannot generate {graph.describe(op)}: no state of the manifest is its state '{name}'; "
                    "kws-codegen adopt makes one of it."
                )


def context(bundle: Bundle, graph: Graph) -> dict[str, Any]:
    """What the templates need.

    Raises:
      KwsError: an operator has no place in the op resolver, or keeps a state that no reset would reach.
    """
    _check_states(bundle, graph)
    adds, headers = [], set()
    for kind in graph.op_kinds:
        known = REGISTRATIONS.get(kind)
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
                "size": s.size_bytes,
                "reset": s.reset_value,
            }
            for s in bundle.states
        ],
    }
