"""LOGISTIC and TANH of int16."""

from kws_reference.tflite import int16
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import INT16, quantization_text, refuse
from kws_codegen.kernels.sigmoid_int16 import LogisticInt16, TanhInt16
from kws_codegen.lower.lowering import Lowering


def logistic(lowering: Lowering, op: Op) -> None:
    """Lowers a LOGISTIC."""
    _emit(lowering, op, "logistic", LogisticInt16, (0,))


def tanh(lowering: Lowering, op: Op) -> None:
    """Lowers a TANH."""
    _emit(lowering, op, "tanh", TanhInt16, (0, 1))


def _emit(
    lowering: Lowering, op: Op, what: str, kernel: type[LogisticInt16] | type[TanhInt16], shifts: tuple[int, ...]
) -> None:
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index, INT16) for index in (op.inputs[0], op.outputs[0]))
    if x.shape != y.shape:
        refuse(graph, op, f"{list(x.shape)} cannot become {list(y.shape)}")
    if y.scales[0] != int16.OUTPUT_SCALE:
        refuse(graph, op, f"'{y.name}' must have scale 1/32768, it has {quantization_text(y)}")
    try:
        multiplier, right_shift = int16.sigmoid_argument(x.scales[0], shifts)
    except ValueError as error:
        refuse(graph, op, f"'{x.name}': {error}")
    lowering.emit(
        kernel(
            reads=(lowering.read(x.index),),
            writes=lowering.write(y.index),
            name=lowering.name(op, what),
            op=op,
            table=int16.sigmoid_table(),
            multiplier=multiplier,
            right_shift=right_shift,
            count=x.size,
        )
    )
