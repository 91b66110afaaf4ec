"""Lowerings of operators on int16 activations, listed once. What copies, pools or reduces has one for both types."""

from kws_reference.tflite.graph import Graph, Op

from kws_codegen.lower.int16 import elementwise, layers, rescale, sigmoid, softmax

LOWERINGS = {
    "ADD": elementwise.add,
    "CONV_2D": layers.conv,
    "DEPTHWISE_CONV_2D": layers.depthwise,
    "FULLY_CONNECTED": layers.fully_connected,
    "LEAKY_RELU": rescale.leaky_relu,
    "LOGISTIC": sigmoid.logistic,
    "MAXIMUM": elementwise.maximum,
    "MINIMUM": elementwise.minimum,
    "MUL": elementwise.mul,
    "QUANTIZE": rescale.quantize,
    "RELU": rescale.relu,
    "RELU6": rescale.relu6,
    "SOFTMAX": softmax.softmax,
    "SUB": elementwise.sub,
    "TANH": sigmoid.tanh,
}
"""By the operator's kind."""

ALSO_INT16 = (
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "EXPAND_DIMS",
    "MAX_POOL_2D",
    "MEAN",
    "PAD",
    "PADV2",
    "RESHAPE",
    "SLICE",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "SUM",
    "TRANSPOSE",
)
"""Operators whose one lowering takes both types."""

KINDS = frozenset((*LOWERINGS, *ALSO_INT16))
"""Operators that engine aot runs on int16 activations."""


def has_int16(graph: Graph, op: Op) -> bool:
    """Whether an operator reads or writes int16."""
    return any(graph.tensors[index].dtype == "INT16" for index in (*op.inputs, *op.outputs) if index >= 0)
