"""BATCH_MATMUL: dot products with the rows where the right operand is one constant matrix, else any two operands."""

from collections.abc import Sequence

import numpy as np
from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import output_range, refuse
from kws_codegen.kernels.axes import Axis, contiguous, filled_up, merged
from kws_codegen.kernels.matmul import AXES, Matmul, MatrixLayout
from kws_codegen.kernels.pointwise import Pointwise
from kws_codegen.lower import broadcast, weights
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    a, b = broadcast.operands(graph, op)
    y = checks.variable(graph, op, op.outputs[0])
    for tensor in (a, b):
        if len(tensor.shape) < 2:
            refuse(graph, op, f"'{tensor.name}' {list(tensor.shape)} is no matrix")
    transposed_a, transposed_b = op.options["adjoint_a"], op.options["adjoint_b"]
    rows, depth = a.shape[-2:][::-1] if transposed_a else a.shape[-2:]
    inner, columns = b.shape[-2:][::-1] if transposed_b else b.shape[-2:]
    stacks = _stacks(graph, op, a, b)
    if inner != depth or (*stacks, rows, columns) != y.shape:
        refuse(graph, op, f"{list(a.shape)} times {list(b.shape)} does not give {list(y.shape)}")
    if b.data is not None and b.size == depth * columns and b.zero_points[0] == 0 and not transposed_a:
        _emit_pointwise(lowering, op, a, y, b.data.reshape(b.shape[-2:]) if transposed_b else _transposed(b))
        return
    if depth * 255 * 255 >= 2**31:
        refuse(graph, op, f"sums of {depth} products do not fit into 32 bits")
    (scale,) = fixed_point.product_factors(a.scales[0], b.scales[:1], y.scales[0])
    lowering.emit(
        Matmul(
            reads=tuple(lowering.read(tensor.index) for tensor in (a, b) if tensor.data is None),
            writes=lowering.write(y.index),
            name=lowering.name(op, "matmul"),
            op=op,
            values_of=(a.data, b.data),
            axes=_axes(graph, op, stacks, a, b),
            rows=rows,
            depth=depth,
            columns=columns,
            a=MatrixLayout(1, rows) if transposed_a else MatrixLayout(depth, 1),
            b=MatrixLayout(depth, 1) if transposed_b else MatrixLayout(1, columns),
            zero_points=(a.zero_points[0], b.zero_points[0]),
            factor=broadcast.factor(graph, op, fixed_point.quantize_multiplier(scale), (depth * 255**2).bit_length()),
            range=output_range(graph, op, y),
        )
    )


def _emit_pointwise(lowering: Lowering, op: Op, a: Tensor, y: Tensor, rows: np.ndarray) -> None:
    outputs, inputs = rows.shape
    fields = weights.linear_fields(lowering, op, "matmul", a, y, rows, rows)
    lowering.emit(
        Pointwise(**fields, inputs=inputs, outputs=outputs, frames=a.size // inputs, input_stride=inputs),
    )


def _transposed(b: Tensor) -> np.ndarray:
    assert b.data is not None
    return b.data.reshape(b.shape[-2:]).T


def _stacks(graph: Graph, op: Op, a: Tensor, b: Tensor) -> tuple[int, ...]:
    """Dimensions in front of the matrices, where either operand may be repeated."""
    try:
        return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        refuse(graph, op, f"{list(a.shape)} and {list(b.shape)} are no stacks of the same number of matrices")


def _axes(graph: Graph, op: Op, stacks: Sequence[int], a: Tensor, b: Tensor) -> tuple[Axis, ...]:
    strides = []
    for tensor in (a, b):
        shape = (1,) * (len(stacks) + 2 - len(tensor.shape)) + tensor.shape
        strides.append([0 if n == 1 else s for n, s in zip(shape, contiguous(shape), strict=True)][:-2])
    try:
        return filled_up(merged(stacks, *strides), AXES, operands=2)
    except ValueError as error:
        refuse(graph, op, str(error))


BATCH_MATMUL = Operator("BATCH_MATMUL", _lower, required_inputs=2, max_inputs=2, needs_options=True)
