"""Weights, bias and factors of convolutions and fully connected layers."""

from typing import TypedDict

import numpy as np
from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import output_range, refuse
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.kernels.requantization import Requantization
from kws_codegen.lower.lowering import Lowering
from kws_codegen.places import Place

_DTYPES = ("INT8", "INT4")


def values(graph: Graph, op: Op) -> np.ndarray:
    """Values of the weights, int8 also where the file packs 4 bits."""
    return checks.constant(graph, op, op.inputs[1], _DTYPES, "weights")


def matrix(graph: Graph, op: Op, position: int, dtype: str, what: str) -> np.ndarray:
    """Constant weights ``[outputs, inputs]`` with one scale in an operator's input `position`.

    Raises:
      KwsError: they are none; the line begins with `what`.
    """
    values = checks.constant(graph, op, op.inputs[position], (dtype,), what)
    tensor = graph.tensors[op.inputs[position]]
    if values.ndim != 2 or min(values.shape) < 1:
        refuse(graph, op, f"{what} '{tensor.name}' have shape {list(values.shape)}, 2 dimensions are supported")
    if len(tensor.scales) != 1 or not tensor.scales[0] > 0 or tensor.zero_points != (0,):
        refuse(
            graph,
            op,
            f"{what} '{tensor.name}' must have one scale and zero point 0, they have {len(tensor.scales)} scales and "
            f"zero points {sorted(set(tensor.zero_points))}",
        )
    return values


def stay_small(rows: np.ndarray, sums: Requantization) -> bool:
    """Whether dot products with `rows`, shifted to the left by their factors, are proven to stay below 2**30."""
    reach = np.abs(sums.folded_bias.astype(np.int64)) + 128 * np.abs(rows.astype(np.int64)).sum(axis=1)
    return bool((reach << np.maximum(sums.shifts.astype(np.int64), 0) < 2**30).all())


def are_int4(graph: Graph, op: Op) -> bool:
    """Whether the weights have 4 bits."""
    return graph.tensors[op.inputs[1]].dtype == "INT4"


def are_per_tensor(graph: Graph, op: Op) -> bool:
    """Whether the weights have one scale for all outputs."""
    return len(graph.tensors[op.inputs[1]].scales) == 1


class LinearFields(TypedDict):
    """The fields of `LinearCall`, to be completed by those of a kernel."""

    name: str
    op: Op
    reads: tuple[Place, ...]
    writes: Place
    matrix: np.ndarray
    requantization: Requantization
    range: OutputRange


def linear_fields(
    lowering: Lowering,
    op: Op,
    what: str,
    x: Tensor,
    y: Tensor,
    rows: np.ndarray,
    order: np.ndarray,
) -> LinearFields:
    """What every kernel with weights needs.

    Args:
      what: last part of the call's name.
      x, y: the activations that are read and written.
      rows: weights ``[outputs, everything else]``.
      order: the same in the order that the kernel reads.

    Raises:
      KwsError: weights, bias, scales or activation do not fit, or an accumulator could overflow.
    """
    graph = lowering.graph
    check_scales(graph, op, len(rows))
    scales = graph.tensors[op.inputs[1]].scales
    factors = fixed_point.product_factors(x.scales[0], scales, y.scales[0])
    requantization = _requantization(graph, op, x, rows, factors)
    return LinearFields(
        reads=(lowering.read(op.inputs[0]),),
        writes=lowering.write(op.outputs[0]),
        name=lowering.name(op, what),
        op=op,
        matrix=np.ascontiguousarray(order).astype(np.int8),
        requantization=requantization,
        range=output_range(graph, op, y),
    )


def check_scales(graph: Graph, op: Op, outputs: int) -> None:
    """Refuses weights that have neither one scale nor one for each output, or a zero point."""
    tensor = graph.tensors[op.inputs[1]]
    if len(tensor.scales) not in (1, outputs) or any(zero_point != 0 for zero_point in tensor.zero_points):
        refuse(
            graph,
            op,
            f"weights '{tensor.name}' must have 1 or {outputs} scales and zero point 0, "
            f"they have {len(tensor.scales)} scales and zero points {sorted(set(tensor.zero_points))}",
        )


def optional_bias(graph: Graph, op: Op, outputs: int, dtypes: tuple[str, ...] = ("INT32",)) -> np.ndarray:
    """The bias in an operator's third input: int64 ``[outputs]``; zeros when there is none.

    Raises:
      KwsError: it is no constant of `dtypes`, or of another size.
    """
    if len(op.inputs) <= 2 or op.inputs[2] < 0:
        return np.zeros(outputs, np.int64)
    return bias(graph, op, 2, outputs, dtypes)


def bias(graph: Graph, op: Op, position: int, outputs: int, dtypes: tuple[str, ...] = ("INT32",)) -> np.ndarray:
    """The bias in an operator's input `position`: int64 ``[outputs]``.

    Raises:
      KwsError: it is no constant of `dtypes`, or of another size.
    """
    values = checks.constant(graph, op, op.inputs[position], dtypes, "bias").astype(np.int64).reshape(-1)
    if values.size != outputs:
        refuse(graph, op, f"bias has {values.size} values, {outputs} are needed")
    return values


def _requantization(graph: Graph, op: Op, x: Tensor, rows: np.ndarray, factors: list[float]) -> Requantization:
    """Requantization of the accumulators of `rows`; `factors`: one or `outputs`."""
    return requantization(graph, op, x.zero_points[0], rows, optional_bias(graph, op, len(rows)), factors)


def requantization(
    graph: Graph, op: Op, zero_point: int, rows: np.ndarray, offsets: np.ndarray, factors: list[float]
) -> Requantization:
    """Requantization of dot products.

    Args:
      zero_point: of what is multiplied with the weights.
      rows: weights ``[outputs, everything else]``.
      offsets: the bias, int64 ``[outputs]``.
      factors: one or `outputs`.

    Raises:
      KwsError: an accumulator could overflow.
    """
    outputs = len(rows)
    pairs = [fixed_point.quantize_multiplier(factor) for factor in factors * (outputs // len(factors))]
    multipliers = np.array([multiplier for multiplier, _ in pairs], np.int64)
    shifts = np.array([shift for _, shift in pairs], np.int64)
    wide = rows.astype(np.int64)
    folded = fixed_point.fold_zero_point(offsets, rows, zero_point)
    bound = int((np.abs(folded) + 128 * np.abs(wide).sum(axis=1)).max())
    if bound >= 2**31:
        refuse(graph, op, f"an accumulator can reach {bound}, more than int32 holds")
    if int(shifts.max()) > 30:
        refuse(graph, op, f"a factor of 2^{int(shifts.max())} cannot be applied to int32 accumulators")
    # Vector kernels add two products in int16, which -128 * -128 twice would overflow.
    fast = bound < 2**30 and int(wide.min()) >= -127 and all(m == 0 or -31 <= s <= -1 for m, s in pairs)
    return Requantization(
        bias=offsets.astype(np.int32),
        folded_bias=folded.astype(np.int32),
        multipliers=multipliers.astype(np.int32),
        shifts=shifts.astype(np.int32),
        fast=fast,
    )
