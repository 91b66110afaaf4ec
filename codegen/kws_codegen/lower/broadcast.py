"""Operators of two operands, either of which may be constant, or repeated along dimensions."""

from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import refuse
from kws_codegen.kernels.axes import contiguous, filled_up, merged
from kws_codegen.kernels.elementwise import AXES, Elementwise, Operation
from kws_codegen.kernels.factor import Factor
from kws_codegen.lower.lowering import Lowering


def operands(graph: Graph, op: Op, dtypes: tuple[str, ...] = checks.INT8) -> tuple[Tensor, Tensor]:
    """Both operands of an operator.

    Raises:
      KwsError: one is none of `dtypes`, or both are constant.
    """
    a, b = (checks.operand(graph, op, index, dtypes) for index in op.inputs)
    if a.data is not None and b.data is not None:
        refuse(graph, op, f"operands '{a.name}' and '{b.name}' are constant, one must be an activation")
    return a, b


def factor(graph: Graph, op: Op, pair: tuple[int, int], value_bits: int) -> Factor:
    """A factor of values of `value_bits` bits and a sign.

    Args:
      pair: of `fixed_point.quantize_multiplier`.

    Raises:
      KwsError: the factor pushes values out of 32 bits.
    """
    multiplier, shift = pair
    if shift + value_bits > 31:
        refuse(graph, op, f"the scales are too far apart: a factor of 2^{shift}")
    return Factor(multiplier, shift)


def emit(
    lowering: Lowering,
    op: Op,
    what: str,
    operation: Operation,
    *,
    kernel: type[Elementwise] = Elementwise,
    dtypes: tuple[str, ...] = checks.INT8,
) -> None:
    """Emits an operation of both operands, whose shapes are repeated to that of the output.

    Args:
      kernel: for operands of `dtypes`.

    Raises:
      KwsError: the shapes do not fit.
    """
    graph = lowering.graph
    a, b = operands(graph, op, dtypes)
    y = checks.variable(graph, op, op.outputs[0], dtypes)
    strides = [_strides(graph, op, tensor, y) for tensor in (a, b)]
    if any(n > 1 and not any(steps) for n, *steps in zip(y.shape, *strides, strict=True)):
        refuse(graph, op, f"operands {list(a.shape)} and {list(b.shape)} do not give {list(y.shape)}")
    try:
        axes = filled_up(merged(y.shape, *strides), AXES, operands=2)
    except ValueError as error:
        refuse(graph, op, str(error))
    lowering.emit(
        kernel(
            reads=tuple(lowering.read(tensor.index) for tensor in (a, b) if tensor.data is None),
            writes=lowering.write(y.index),
            name=lowering.name(op, what),
            op=op,
            operation=operation,
            axes=axes,
            values_of=(a.data, b.data),
        )
    )


def _strides(graph: Graph, op: Op, tensor: Tensor, y: Tensor) -> list[int]:
    """Strides of an operand along the dimensions of the output, 0 where it is repeated."""
    shape = (1,) * (len(y.shape) - len(tensor.shape)) + tensor.shape
    if len(shape) != len(y.shape) or any(n not in (1, m) for n, m in zip(shape, y.shape, strict=True)):
        refuse(graph, op, f"operand '{tensor.name}' {list(tensor.shape)} cannot be repeated to {list(y.shape)}")
    return [0 if n == 1 else stride for n, stride in zip(shape, contiguous(shape), strict=True)]
