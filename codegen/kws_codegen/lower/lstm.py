"""UNIDIRECTIONAL_SEQUENCE_LSTM: gates over the frames of a step, a hidden state and a cell state."""

import numpy as np
from kws_reference.tflite import fixed_point, recurrent
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import quantization_text, refuse
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.lstm import Lstm
from kws_codegen.kernels.requantization import Requantization
from kws_codegen.lower import weights
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator

_X, _HIDDEN, _CELL = 0, 18, 19
_GATES = {"input gate": (1, 5, 12), "forget gate": (2, 6, 13), "candidate": (3, 7, 14), "output gate": (4, 8, 15)}
"""Positions of the weights of a frame, of those of the hidden state, and of the bias among the inputs."""
_VARIANTS = {
    "peephole connections": range(9, 12),
    "a projection": range(16, 18),
    "layer normalization": range(20, 24),
}
"""What TFLite Micro's kernel does not compute, by the inputs that it would have."""


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    _check_variant(graph, op)
    x, y = (checks.variable(graph, op, index) for index in (op.inputs[_X], op.outputs[0]))
    states = [lowering.inner_state(op, position) for position in (_HIDDEN, _CELL)]
    hidden, cell = graph.tensors[op.inputs[_HIDDEN]], _cell(graph, op)
    checks.operand(graph, op, hidden.index)
    steps, units = _check_shapes(graph, op, x, hidden, cell, y)
    of_frame, of_hidden = [], []
    for name, (frame_weights, hidden_weights, bias) in _GATES.items():
        offsets = weights.bias(graph, op, bias, units)
        of_frame.append(_gate(graph, op, x, frame_weights, offsets, (units, x.shape[-1]), f"{name}'s weights"))
        zeros = np.zeros(units, np.int64)
        of_hidden.append(_gate(graph, op, hidden, hidden_weights, zeros, (units, units), f"{name}'s weights"))
    try:
        tanh = recurrent.tanh_argument(cell.scales[0])
    except ValueError as error:
        refuse(graph, op, f"its cell state '{cell.name}': {error}")
    one = recurrent.FUNCTION_SCALE
    lowering.enter_block(op, lowering.buffer(states[0]))
    lowering.emit(
        Lstm(
            name=lowering.name(op, "lstm"),
            op=op,
            reads=(lowering.read(x.index), *(lowering.read(tensor.index) for tensor in (hidden, cell))),
            writes=lowering.write(y.index),
            frame_weights=np.stack([rows for rows, _ in of_frame]),
            hidden_weights=np.stack([rows for rows, _ in of_hidden]),
            frame_bias=np.stack([sums.folded_bias for _, sums in of_frame]),
            hidden_bias=np.stack([sums.folded_bias for _, sums in of_hidden]),
            of_frame=tuple(_factor_of(sums) for _, sums in of_frame),
            of_hidden=tuple(_factor_of(sums) for _, sums in of_hidden),
            kept=_factor(graph, op, one * cell.scales[0] / cell.scales[0]),
            added=_factor(graph, op, one * one / cell.scales[0]),
            to_hidden=_factor(graph, op, one * one / hidden.scales[0]),
            hidden_zero_point=hidden.zero_points[0],
            tanh=tanh,
            cell_range=_cell_range(op, cell),
            fast=all(weights.stay_small(rows, sums) for rows, sums in of_frame + of_hidden),
            steps=steps,
        )
    )


def _check_variant(graph: Graph, op: Op) -> None:
    if len(op.inputs) != 24:
        refuse(graph, op, f"it has {len(op.inputs)} inputs, 24 are supported")
    for what, positions in _VARIANTS.items():
        if any(op.inputs[position] >= 0 for position in positions):
            refuse(graph, op, f"it has {what}, which TFLite Micro does not compute")
    for gate, needed in _GATES.items():
        if any(op.inputs[position] < 0 for position in needed):
            refuse(graph, op, f"its {gate} lacks weights or a bias, which TFLite Micro does not compute")
    if op.options["activation"] != "TANH":
        refuse(graph, op, f"fused activation {op.options['activation']} is not supported, only TANH")
    if not op.options["cell_clip"] >= 0:
        refuse(graph, op, f"a cell clip of {op.options['cell_clip']:.9g} is none")


def _cell(graph: Graph, op: Op) -> Tensor:
    cell = graph.tensors[op.inputs[_CELL]]
    if cell.dtype != "INT16" or len(cell.scales) != 1 or not cell.scales[0] > 0 or cell.zero_points != (0,):
        refuse(
            graph,
            op,
            f"its cell state '{cell.name}' must be INT16 with one positive scale and zero point 0, it is {cell.dtype} "
            f"with {quantization_text(cell)}",
        )
    return cell


def _check_shapes(graph: Graph, op: Op, x: Tensor, hidden: Tensor, cell: Tensor, y: Tensor) -> tuple[int, int]:
    """Frames of a step, and units."""
    batch = 1 if op.options["time_major"] else 0
    if len(x.shape) != 3 or x.shape[batch] != 1:
        refuse(graph, op, f"tensor '{x.name}' has shape {list(x.shape)}, 3 dimensions and batch 1 are supported")
    steps, units = x.shape[1 - batch], hidden.size
    if hidden.shape != (1, units) or cell.shape != (1, units) or y.shape != (*x.shape[:2], units):
        refuse(
            graph,
            op,
            f"input {list(x.shape)}, hidden state {list(hidden.shape)}, cell state {list(cell.shape)} and output "
            f"{list(y.shape)} do not fit each other",
        )
    return steps, units


def _gate(
    graph: Graph, op: Op, x: Tensor, position: int, offsets: np.ndarray, shape: tuple[int, int], what: str
) -> tuple[np.ndarray, Requantization]:
    """Weights of a gate, and what takes their dot products with `x` to the gate's argument."""
    rows = weights.matrix(graph, op, position, "INT8", what)
    if rows.shape != shape:
        refuse(graph, op, f"{what} {list(rows.shape)} do not fit, {list(shape)} are needed")
    scales = graph.tensors[op.inputs[position]].scales
    factors = fixed_point.product_factors(x.scales[0], scales, recurrent.GATE_SCALE)
    return rows, weights.requantization(graph, op, x.zero_points[0], rows, offsets, factors)


def _factor_of(sums: Requantization) -> Factor:
    return Factor(int(sums.multipliers[0]), int(sums.shifts[0]))


def _factor(graph: Graph, op: Op, real: float) -> Factor:
    """A factor of products of two int16 values."""
    multiplier, shift = fixed_point.quantize_multiplier(real)
    if shift > 0:
        refuse(graph, op, f"the scales of its states are too small: a factor of 2^{shift}")
    return Factor(multiplier, shift)


def _cell_range(op: Op, cell: Tensor) -> tuple[int, int]:
    """Clip of the cell state: that of int16, or narrower."""
    clip = op.options["cell_clip"]
    if clip == 0:
        return -(2**15), 2**15 - 1
    most = int(min(clip / cell.scales[0], 2**15 - 1))
    return -most, most


UNIDIRECTIONAL_SEQUENCE_LSTM = Operator(
    "UNIDIRECTIONAL_SEQUENCE_LSTM", _lower, required_inputs=1, max_inputs=24, needs_options=True
)
