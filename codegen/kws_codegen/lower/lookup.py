"""Functions of one int8 value: ELU, HARD_SWISH, LEAKY_RELU, LOGISTIC, QUANTIZE, RELU, RELU6, TANH."""

from collections.abc import Callable

import numpy as np
from kws_reference.tflite import functions
from kws_reference.tflite.functions import Quantization
from kws_reference.tflite.graph import Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import refuse
from kws_codegen.kernels.lookup import Lookup
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator

_Function = Callable[[Quantization, Quantization], np.ndarray]


def _emit(lowering: Lowering, op: Op, what: str, function: _Function) -> None:
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    if x.shape != y.shape:
        refuse(graph, op, f"{list(x.shape)} cannot become {list(y.shape)}")
    try:
        results = function(_quantization(x), _quantization(y))
    except ValueError as error:
        refuse(graph, op, f"'{x.name}' to '{y.name}': {error}")
    lowering.emit(
        Lookup(
            reads=(lowering.read(op.inputs[0]),),
            writes=lowering.write(op.outputs[0]),
            name=lowering.name(op, what),
            op=op,
            results=results,
            count=x.size,
        )
    )


def _quantization(tensor: Tensor) -> Quantization:
    return Quantization(tensor.scales[0], tensor.zero_points[0])


def _operator(kind: str, function: _Function) -> Operator:
    def lower(lowering: Lowering, op: Op) -> None:
        _emit(lowering, op, kind.lower(), function)

    return Operator(kind, lower, required_inputs=1, max_inputs=1)


def _lower_leaky_relu(lowering: Lowering, op: Op) -> None:
    alpha = op.options["alpha"]
    _emit(lowering, op, "leaky_relu", lambda x, y: functions.leaky_relu(x, y, alpha))


ELU = _operator("ELU", functions.elu)
HARD_SWISH = _operator("HARD_SWISH", functions.hard_swish)
LEAKY_RELU = Operator("LEAKY_RELU", _lower_leaky_relu, required_inputs=1, max_inputs=1, needs_options=True)
LOGISTIC = _operator("LOGISTIC", functions.logistic)
QUANTIZE = _operator("QUANTIZE", functions.quantize)
RELU = _operator("RELU", functions.relu)
RELU6 = _operator("RELU6", functions.relu6)
TANH = _operator("TANH", functions.tanh)
