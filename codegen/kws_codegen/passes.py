"""From the graph to the program: states become windows and rings, reshapes become views, ops become kernel calls.

Every fault is refused by name. Nothing is approximated: whatever passes computes the reference's integers.
"""

import dataclasses
from typing import Any, NoReturn

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import cmsis, pack
from kws_codegen.ir import Layer, Linear, Place, Program, Range, State

KERNELS = ("auto", "cmsis")
_SLICES = ("STRIDED_SLICE", "SLICE")
_WEIGHTS = ("INT8", "INT4")
_VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
_INPUTS = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 1,
    "CONCATENATION": 2,
    "CONV_2D": 2,
    "DEPTHWISE_CONV_2D": 2,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 2,
    "RESHAPE": 1,
    "SLICE": 3,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 4,
}
"""Inputs that an operator cannot do without; a bias may be absent."""
_NEEDS_OPTIONS = ("AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "STRIDED_SLICE")
_HINTS = {
    "MEAN": "export the average over time as AVERAGE_POOL_2D",
    "SOFTMAX": "export the logits, the detector computes the posteriors",
    "QUANTIZE": "export tensors that share scale and zero point",
    "PAD": "export convolutions over a state with VALID padding",
}


@dataclasses.dataclass(frozen=True)
class StatePair:
    """A state's way through the graph: input -> CONCATENATION with the new rows -> slice -> output.

    Attributes:
      name, reset_value: from the manifest.
      source, sink: tensor indices of the state's input and output.
      concat: the CONCATENATION; its output is `joined`.
      fresh: tensor index of the new rows.
      rows, new_rows: rows kept and rows added in a step.
      row_bytes: int8 elements of a row.
    """

    name: str
    reset_value: int
    source: int
    sink: int
    concat: Op
    joined: int
    fresh: int
    rows: int
    new_rows: int
    row_bytes: int


def refuse(graph: Graph, op: Op, why: str) -> NoReturn:
    """Raises the one-line refusal of an op."""
    raise KwsError(f"cannot generate {graph.describe(op)}: {why}.")


# --- Checks ----------------------------------------------------------------------------------------------------------


def _same_quantization(a: Tensor, b: Tensor) -> bool:
    return a.scales == b.scales and a.zero_points == b.zero_points


def _quantization_text(tensor: Tensor) -> str:
    return f"scale {tensor.scales[0]:.9g}, zero point {tensor.zero_points[0]}" if tensor.scales else "no quantization"


def _check_activation(graph: Graph, op: Op, index: int) -> Tensor:
    """An int8 activation with one scale, batch 1."""
    if index < 0:
        refuse(graph, op, "an input is missing")
    tensor = graph.tensors[index]
    if tensor.dtype != "INT8":
        refuse(graph, op, f"tensor '{tensor.name}' has type {tensor.dtype}, only INT8 is supported")
    if len(tensor.scales) != 1 or not tensor.scales[0] > 0:
        refuse(graph, op, f"tensor '{tensor.name}' must have one positive scale, it has {_quantization_text(tensor)}")
    if not tensor.shape or tensor.shape[0] != 1 or min(tensor.shape) < 1:
        refuse(graph, op, f"tensor '{tensor.name}' has shape {list(tensor.shape)}, only batch 1 is supported")
    return tensor


def _check_constant(graph: Graph, op: Op, index: int, dtypes: tuple[str, ...], what: str) -> np.ndarray:
    tensor = graph.tensors[index]
    if tensor.dtype not in dtypes:
        refuse(graph, op, f"{what} '{tensor.name}' have type {tensor.dtype}, only {' or '.join(dtypes)} is supported")
    if tensor.data is None:
        refuse(graph, op, f"{what} '{tensor.name}' are not constant")
    return tensor.data


def _check_rank(graph: Graph, op: Op, tensor: Tensor, rank: int) -> None:
    if len(tensor.shape) != rank:
        refuse(graph, op, f"tensor '{tensor.name}' has shape {list(tensor.shape)}, {rank} dimensions are supported")


def _range(graph: Graph, op: Op, output: Tensor) -> Range:
    activation = op.options.get("activation", "NONE")
    try:
        low, high = fixed_point.activation_range(activation, output.scales[0], output.zero_points[0])
    except ValueError:
        refuse(graph, op, f"fused activation {activation} is not supported")
    return Range(output.zero_points[0], low, high)


def _check_complete(graph: Graph) -> None:
    """No operator lacks an input or the options that it cannot do without."""
    for op in graph.ops:
        needed = _INPUTS.get(op.kind, 0)
        for position in range(needed):
            if position >= len(op.inputs) or op.inputs[position] < 0:
                refuse(graph, op, f"input {position} is missing")
        if op.kind in _NEEDS_OPTIONS and not op.options:
            refuse(graph, op, "its options are missing")
        if op.kind == "ADD" and len(op.inputs) != needed:
            refuse(graph, op, f"it has {len(op.inputs)} inputs, {needed} are supported")


def _check_ends(bundle: Bundle, graph: Graph) -> None:
    """The manifest's features, scores and states are the graph's inputs and outputs."""
    if len(graph.inputs) != 1 + len(bundle.states):
        raise KwsError(
            f"the model has {len(graph.inputs)} inputs, the manifest names features and {len(bundle.states)} states. "
            "A state pair is missing: export the bundle again."
        )
    if len(graph.outputs) != 1 + len(bundle.states):
        raise KwsError(
            f"the model has {len(graph.outputs)} outputs, the manifest names scores and {len(bundle.states)} states. "
            "A state pair is missing: export the bundle again."
        )
    ends = [("features", graph.inputs[bundle.features.index], bundle.features)]
    ends += [("scores", graph.outputs[bundle.scores.index], bundle.scores)]
    for state in bundle.states:
        source, sink = graph.tensors[graph.inputs[state.input_index]], graph.tensors[graph.outputs[state.output_index]]
        if not _same_quantization(source, sink):
            raise KwsError(
                f"state {state.name}: output '{sink.name}' ({_quantization_text(sink)}) and input '{source.name}' "
                f"({_quantization_text(source)}) differ, so the output cannot be fed back. Export with equal ranges."
            )
        if source.shape != sink.shape:
            raise KwsError(
                f"state {state.name}: output '{sink.name}' has shape {list(sink.shape)}, "
                f"input '{source.name}' {list(source.shape)}. They must be equal."
            )
        ends += [(f"state {state.name}", source.index, state)]
    for what, index, wanted in ends:
        tensor = graph.tensors[index]
        if tensor.dtype != "INT8":
            raise KwsError(f"{what}: tensor '{tensor.name}' has type {tensor.dtype}, only INT8 is supported.")
        if tensor.shape != wanted.shape:
            raise KwsError(
                f"{what}: the manifest says shape {list(wanted.shape)}, "
                f"tensor '{tensor.name}' has {list(tensor.shape)}."
            )
        matches = len(tensor.scales) == 1 and np.float32(wanted.scale) == np.float32(tensor.scales[0])
        if not matches or tensor.zero_points != (wanted.zero_point,):
            raise KwsError(
                f"{what}: the manifest says scale {wanted.scale:.9g}, zero point {wanted.zero_point}; "
                f"tensor '{tensor.name}' has {_quantization_text(tensor)}."
            )


# --- States ----------------------------------------------------------------------------------------------------------


def _slice_start(graph: Graph, op: Op) -> int:
    """First row of a slice that keeps the last rows of axis 1 and everything else whole."""
    source = graph.tensors[op.inputs[0]]
    shape, wanted = source.shape, graph.tensors[op.outputs[0]].shape
    begin = [int(x) for x in _check_constant(graph, op, op.inputs[1], ("INT32",), "slice bounds")]
    if op.kind == "SLICE":
        sizes = [int(x) for x in _check_constant(graph, op, op.inputs[2], ("INT32",), "slice bounds")]
        end = [n if size == -1 else b + size for n, b, size in zip(shape, begin, sizes, strict=True)]
    else:
        if op.options["ellipsis_mask"] or op.options["new_axis_mask"] or op.options["shrink_axis_mask"]:
            refuse(graph, op, "ellipsis, new-axis and shrink-axis masks are not supported")
        end = [int(x) for x in _check_constant(graph, op, op.inputs[2], ("INT32",), "slice bounds")]
        strides = [int(x) for x in _check_constant(graph, op, op.inputs[3], ("INT32",), "slice bounds")]
        if any(stride != 1 for stride in strides):
            refuse(graph, op, f"strides {strides} are not supported, only 1")
        for axis, n in enumerate(shape):
            b = 0 if op.options["begin_mask"] >> axis & 1 else begin[axis]
            e = n if op.options["end_mask"] >> axis & 1 else end[axis]
            begin[axis] = min(max(b + n if b < 0 else b, 0), n)
            end[axis] = min(max(e + n if e < 0 else e, 0), n)
    kept = tuple(e - b for b, e in zip(begin, end, strict=True))
    others = [axis for axis in range(len(shape)) if axis != 1]
    if kept != wanted or end[1] != shape[1] or any(begin[axis] or end[axis] != shape[axis] for axis in others):
        refuse(
            graph, op, f"a state must keep the last rows of '{source.name}', it keeps {begin} to {end} of {list(shape)}"
        )
    return begin[1]


def pair_states(bundle: Bundle, graph: Graph) -> list[StatePair]:
    """Finds every state of the manifest in the graph.

    Args:
      bundle: names and resets the states.
      graph: holds them as inputs and outputs.

    Returns:
      One pair per state, in the manifest's order.

    Raises:
      KwsError: the manifest and the graph disagree, or a state is used in another way than as a sliding window.
    """
    _check_complete(graph)
    _check_ends(bundle, graph)
    pairs = []
    for state in bundle.states:
        source, sink = graph.inputs[state.input_index], graph.outputs[state.output_index]
        users = graph.consumers(source)
        if [op.kind for op in users] != ["CONCATENATION"]:
            found = ", ".join(graph.describe(op) for op in users) or "nothing"
            raise KwsError(
                f"state {state.name}: input '{graph.tensors[source].name}' must feed exactly one CONCATENATION "
                f"with the new rows, it feeds {found}."
            )
        concat = users[0]
        if (
            concat.options.get("axis") not in (1, 1 - len(state.shape))
            or len(concat.inputs) != 2
            or concat.inputs[0] != source
        ):
            refuse(graph, concat, f"state {state.name} must be joined on axis 1 as (state, new rows)")
        if concat.options.get("activation", "NONE") != "NONE":
            refuse(graph, concat, f"fused activation {concat.options['activation']} is not supported")
        joined, fresh = concat.outputs[0], concat.inputs[1]
        for index in (joined, fresh):
            tensor = _check_activation(graph, concat, index)
            if not _same_quantization(tensor, graph.tensors[source]):
                refuse(
                    graph,
                    concat,
                    f"tensor '{tensor.name}' ({_quantization_text(tensor)}) and state {state.name} "
                    f"({_quantization_text(graph.tensors[source])}) must share scale and zero point",
                )
        cut = graph.producer(sink)
        if cut is None or cut.kind not in _SLICES or cut.inputs[0] != joined:
            found = graph.describe(cut) if cut else "no operator"
            raise KwsError(
                f"state {state.name}: output '{graph.tensors[sink].name}' must be a slice of "
                f"'{graph.tensors[joined].name}', it comes from {found}."
            )
        if graph.consumers(sink):
            refuse(graph, graph.consumers(sink)[0], f"it reads the state output '{graph.tensors[sink].name}'")
        rows, new_rows = state.shape[1], graph.tensors[fresh].shape[1]
        start = _slice_start(graph, cut)
        if start != new_rows:
            refuse(graph, cut, f"state {state.name} gains {new_rows} rows in a step but loses {start}")
        row_bytes = int(np.prod(state.shape[2:], dtype=np.int64))
        pairs.append(
            StatePair(state.name, state.reset_value, source, sink, concat, joined, fresh, rows, new_rows, row_bytes)
        )
    return pairs


# --- Lowering --------------------------------------------------------------------------------------------------------


class _Lowering:
    """State of one run of `lower`."""

    def __init__(self, bundle: Bundle, graph: Graph, kernels: str, window_steps: int):
        self.graph = graph
        self.kernels = kernels
        self.pairs = pair_states(bundle, graph)
        self.views = {op.outputs[0]: op for op in graph.ops if op.kind in _VIEWS}
        self.layers: list[Layer] = []
        self.values: list[int] = []
        self.macs = 0
        self.places: dict[int, Place] = {}
        self.blocks: dict[int, tuple[int, str]] = {}  # tensor -> (order, name) of the state that it descends from
        self.rings: dict[int, int] = {}  # tensor of the joined rows -> state
        self.states = []
        for index, pair in enumerate(self.pairs):
            ring = self._pools_whole_state(pair)
            if ring:
                self.rings[pair.joined] = index
            kind, steps = ("ring", 0) if ring else ("window", window_steps)
            self.states.append(
                State(index, pair.name, kind, pair.rows, pair.new_rows, pair.row_bytes, pair.reset_value, steps)
            )
        self._place(bundle)

    def root(self, index: int) -> int:
        """The tensor whose memory `index` views."""
        while index in self.views:
            index = self.views[index].inputs[0]
        return index

    def _pools_whole_state(self, pair: StatePair) -> bool:
        """Whether the state only feeds an average over all of its rows and one new row: a running sum serves."""
        users = [op for op in self.graph.consumers(pair.joined) if pair.sink not in op.outputs]
        if len(users) != 1 or users[0].kind != "AVERAGE_POOL_2D" or pair.new_rows != 1 or self.kernels == "cmsis":
            return False
        pool, shape = users[0], self.graph.tensors[pair.joined].shape
        whole = pool.options["filter_h"] == pair.rows + 1 and pool.options["filter_w"] == 1
        return whole and len(shape) == 4 and shape[2] == 1 and self.graph.tensors[pool.outputs[0]].shape[1] == 1

    def _place(self, bundle: Bundle) -> None:
        features = self.graph.inputs[bundle.features.index]
        self.places[features] = Place("features")
        for index, pair in enumerate(self.pairs):
            if pair.joined in self.rings:
                continue
            self.places[pair.joined] = Place("rows", index)
            fresh = self.root(pair.fresh)
            if fresh not in self.places and self.graph.producer(fresh) is not None:
                self.places[fresh] = Place("new_rows", index)
        self.scores = self.graph.outputs[bundle.scores.index]
        self.places.setdefault(self.root(self.scores), Place("scores"))

    def _input(self, index: int) -> Place:
        root = self.root(index)
        if root not in self.places:
            tensor = self.graph.tensors[index]
            raise KwsError(f"cannot generate: tensor '{tensor.name}' is read before any operator wrote it.")
        return self.places[root]

    def _output(self, index: int) -> Place:
        if index not in self.places:
            self.places[index] = Place("value", len(self.values))
            self.values.append(self.graph.tensors[index].size)
        return self.places[index]

    def run(self) -> Program:
        sinks = {pair.sink for pair in self.pairs}
        concats = {pair.concat.index: index for index, pair in enumerate(self.pairs)}
        for op in self.graph.ops:
            if op.index in concats:
                self._concatenation(op, concats[op.index])
            elif op.kind in _SLICES and op.outputs[0] in sinks:
                continue
            elif op.kind in _VIEWS:
                self._view(op)
            elif op.kind in _LOWER:
                _LOWER[op.kind](self, op)
            else:
                self._refuse_kind(op)
        place = self._input(self.scores)
        if place != Place("scores"):
            self._emit(
                "copy", "scores.copy", None, (place,), Place("scores"), bytes=self.graph.tensors[self.scores].size
            )
        return Program(tuple(self._named()), tuple(self.states), tuple(self.values), self.macs)

    def _refuse_kind(self, op: Op) -> NoReturn:
        if op.kind == "CONCATENATION" or op.kind in _SLICES:
            refuse(self.graph, op, "it joins or cuts no state of the manifest; a state pair may be missing")
        hint = f"; {_HINTS[op.kind]}" if op.kind in _HINTS else ""
        refuse(self.graph, op, f"this operator is not supported{hint}")

    def _emit(
        self,
        kind: str,
        name: str,
        op: Op | None,
        inputs: tuple[Place, ...],
        output: Place,
        /,
        scratch_bytes: int = 0,
        **params: Any,
    ) -> None:
        self.layers.append(Layer(kind, name, op.index if op else -1, inputs, output, params, scratch_bytes))

    # Names: "<state that the data went through last>.<what>".

    def _name(self, op: Op, what: str) -> str:
        known = [self.blocks[self.root(index)] for index in op.inputs if self.root(index) in self.blocks]
        order, block = max(known) if known else (-1, "input")
        self.blocks[op.outputs[0]] = (order, block)
        return f"{block}.{what}"

    def _named(self) -> list[Layer]:
        """Layers with names that differ; a convolution that only feeds a later block's ADD is that block's residual."""
        writers = {layer.output: i for i, layer in enumerate(self.layers)}
        names = [layer.name for layer in self.layers]
        for layer in self.layers:
            if layer.kind != "add":
                continue
            block = layer.name.rsplit(".", 1)[0]
            for place in layer.inputs:
                writer = writers.get(place)
                if writer is not None and not names[writer].startswith(f"{block}."):
                    names[writer] = f"{block}.residual"
        seen: dict[str, int] = {}
        result = []
        for layer, name in zip(self.layers, names, strict=True):
            seen[name] = seen.get(name, 0) + 1
            result.append(dataclasses.replace(layer, name=name if seen[name] == 1 else f"{name}{seen[name]}"))
        return result

    # Ops without arithmetic.

    def _concatenation(self, op: Op, state: int) -> None:
        pair = self.pairs[state]
        self.blocks[pair.joined] = (op.index, pair.name)
        if pair.joined in self.rings:
            return
        source = self._input(pair.fresh)
        if source != Place("new_rows", state):
            count = pair.new_rows * pair.row_bytes
            self._emit("copy", f"{pair.name}.rows", op, (source,), Place("new_rows", state), bytes=count)

    def _view(self, op: Op) -> None:
        source = _check_activation(self.graph, op, op.inputs[0])
        target = _check_activation(self.graph, op, op.outputs[0])
        if source.size != target.size:
            refuse(self.graph, op, f"{list(source.shape)} cannot become {list(target.shape)}")
        if not _same_quantization(source, target):
            refuse(self.graph, op, f"'{source.name}' and '{target.name}' must share scale and zero point")

    # Ops with weights.

    def _emit_own(
        self, kind: str, name: str, op: Op, inputs: tuple[Place, ...], output: Place, /, linear: Linear, **params: Any
    ) -> None:
        """Emits a kernel of the kit; 4-bit weights go to its twin, packed by rows or taps."""
        if self.graph.tensors[op.inputs[1]].dtype == "INT4":
            packed = pack.pack_rows(linear.weights) if kind == "pointwise" else pack.pack_taps(linear.weights)
            kind, linear = f"{kind}_int4", dataclasses.replace(linear, weights=packed, packed=True)
        self._emit(kind, name, op, inputs, output, linear=linear, **params)

    def _linear(self, op: Op, x: Tensor, y: Tensor, outputs: int, weights: np.ndarray, order: np.ndarray) -> Linear:
        """Quantization of a layer; `weights` as [outputs, everything else], `order` as the kernel reads them."""
        graph = self.graph
        tensor = graph.tensors[op.inputs[1]]
        if len(tensor.scales) not in (1, outputs) or any(zero_point != 0 for zero_point in tensor.zero_points):
            refuse(
                graph,
                op,
                f"weights '{tensor.name}' must have 1 or {outputs} scales and zero point 0, "
                f"they have {len(tensor.scales)} scales and zero points {sorted(set(tensor.zero_points))}",
            )
        bias = np.zeros(outputs, np.int64)
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            bias = _check_constant(graph, op, op.inputs[2], ("INT32",), "bias").astype(np.int64).reshape(-1)
            if bias.size != outputs:
                refuse(graph, op, f"bias has {bias.size} values, {outputs} are needed")
        dense = op.kind == "FULLY_CONNECTED"
        factors = fixed_point.product_factors(x.scales[0], tensor.scales, y.scales[0], fully_connected=dense)
        pairs = [fixed_point.quantize_multiplier(factor) for factor in factors * (outputs // len(factors))]
        multipliers = np.array([multiplier for multiplier, _ in pairs], np.int64)
        shifts = np.array([shift for _, shift in pairs], np.int64)
        wide = weights.astype(np.int64)
        folded = fixed_point.fold_zero_point(bias, weights, x.zero_points[0])
        bound = int((np.abs(folded) + 128 * np.abs(wide).sum(axis=1)).max())
        if bound >= 2**31:
            refuse(graph, op, f"an accumulator can reach {bound}, more than int32 holds")
        if int(shifts.max()) > 30:
            refuse(graph, op, f"a factor of 2^{int(shifts.max())} cannot be applied to int32 accumulators")
        # Vector kernels add two products in int16, which -128 * -128 twice would overflow.
        fast = bound < 2**30 and int(wide.min()) >= -127 and all(m == 0 or -31 <= s <= -1 for m, s in pairs)
        arrays = [array.astype(np.int32) for array in (bias, folded, multipliers, shifts)]
        return Linear(np.ascontiguousarray(order).astype(np.int8), *arrays, fast=fast)

    def _padding(self, op: Op, size: int, kernel: int, stride: int, dilation: int, out: int) -> int:
        extent = (kernel - 1) * dilation + 1
        same = op.options["padding"] == "SAME"
        expected = (size + stride - 1) // stride if same else (size - extent) // stride + 1
        if expected != out:
            refuse(self.graph, op, f"{size} rows or columns give {expected}, the output says {out}")
        return max((out - 1) * stride + extent - size, 0) // 2 if same else 0

    def _geometry(self, op: Op, x: Tensor, y: Tensor, kernel: tuple[int, int]) -> dict[str, int]:
        options = op.options
        for tensor in (x, y):
            _check_rank(self.graph, op, tensor, 4)
        if min(options["stride_h"], options["stride_w"], options["dilation_h"], options["dilation_w"]) < 1:
            refuse(self.graph, op, "strides and dilations must be at least 1")
        geometry = {
            "in_h": x.shape[1],
            "in_w": x.shape[2],
            "in_c": x.shape[3],
            "out_h": y.shape[1],
            "out_w": y.shape[2],
            "out_c": y.shape[3],
            "kernel_h": kernel[0],
            "kernel_w": kernel[1],
        }
        for axis in ("h", "w"):
            # A kernel of one tap has no dilation, whatever the file says: CMSIS-NN would take a slower way for it.
            stride = options[f"stride_{axis}"]
            dilation = options[f"dilation_{axis}"] if geometry[f"kernel_{axis}"] > 1 else 1
            geometry[f"stride_{axis}"], geometry[f"dilation_{axis}"] = stride, dilation
            geometry[f"pad_{axis}"] = self._padding(
                op, geometry[f"in_{axis}"], geometry[f"kernel_{axis}"], stride, dilation, geometry[f"out_{axis}"]
            )
            extent = (geometry[f"out_{axis}"] - 1) * stride + (geometry[f"kernel_{axis}"] - 1) * dilation + 1
            geometry[f"padded_{axis}"] = int(extent > geometry[f"in_{axis}"])
        return geometry

    def conv(self, op: Op) -> None:
        x, y = (_check_activation(self.graph, op, index) for index in (op.inputs[0], op.outputs[0]))
        weights = _check_constant(self.graph, op, op.inputs[1], _WEIGHTS, "weights")
        if weights.ndim != 4 or weights.shape[0] != y.shape[-1] or weights.shape[3] != x.shape[-1]:
            refuse(self.graph, op, f"weights {list(weights.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
        outputs, kernel_h, kernel_w, channels = (int(n) for n in weights.shape)
        g = self._geometry(op, x, y, (kernel_h, kernel_w))
        matrix = weights.reshape(outputs, -1)
        linear = self._linear(op, x, y, outputs, matrix, matrix)
        places = (self._input(op.inputs[0]),), self._output(op.outputs[0])
        self.macs += g["out_h"] * g["out_w"] * weights.size
        name = self._name(op, "pointwise" if kernel_h * kernel_w == 1 else "convolution")
        out_range = _range(self.graph, op, y)
        # Rows of one column lie one behind the other: a kernel over whole rows is one long dot product.
        rows_only = g["in_w"] == 1 and kernel_w == 1 and g["dilation_h"] == 1
        plain = kernel_h * kernel_w == 1 and g["stride_h"] == g["stride_w"] == 1
        if self.kernels == "auto" and (rows_only or plain) and not g["padded_h"] and not g["padded_w"]:
            inputs = matrix.shape[1]
            self._emit_own(
                "pointwise",
                name,
                op,
                *places,
                scratch_bytes=4 * inputs,
                linear=linear,
                range=out_range,
                inputs=inputs,
                outputs=outputs,
                frames=g["out_h"] * g["out_w"],
                input_stride=g["stride_h"] * channels,
            )
            return
        self._emit(
            "cmsis_conv", name, op, *places, scratch_bytes=cmsis.conv_scratch_bytes(g), linear=linear, range=out_range,
            input_zero_point=x.zero_points[0], **g,
        )  # fmt: skip

    def depthwise(self, op: Op) -> None:
        x, y = (_check_activation(self.graph, op, index) for index in (op.inputs[0], op.outputs[0]))
        weights = _check_constant(self.graph, op, op.inputs[1], _WEIGHTS, "weights")
        if weights.ndim != 4 or weights.shape[0] != 1 or weights.shape[3] != y.shape[-1] or y.shape[-1] % x.shape[-1]:
            refuse(self.graph, op, f"weights {list(weights.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
        _, kernel_h, kernel_w, outputs = (int(n) for n in weights.shape)
        g = self._geometry(op, x, y, (kernel_h, kernel_w))
        multiplier = outputs // x.shape[-1]
        matrix = weights.reshape(-1, outputs)
        linear = self._linear(op, x, y, outputs, matrix.T, matrix)
        places = (self._input(op.inputs[0]),), self._output(op.outputs[0])
        self.macs += g["out_h"] * g["out_w"] * weights.size
        name = self._name(op, "depthwise")
        out_range = _range(self.graph, op, y)
        # Output frame f starts f * frame_stride elements behind the first, in one column or in one row of columns.
        one_line = g["in_w"] == 1 or (kernel_w == 1 and g["stride_w"] == 1 and (g["out_h"] == 1 or g["stride_h"] == 1))
        if self.kernels == "auto" and one_line and kernel_w == 1 and multiplier == 1 and not g["padded_h"]:
            self._emit_own(
                "depthwise",
                name,
                op,
                *places,
                linear=linear,
                range=out_range,
                channels=outputs,
                taps=kernel_h,
                frames=g["out_h"] * g["out_w"],
                tap_stride=g["dilation_h"] * g["in_w"] * outputs,
                frame_stride=(g["stride_h"] if g["in_w"] == 1 else 1) * outputs,
            )
            return
        self._emit(
            "cmsis_depthwise", name, op, *places, scratch_bytes=cmsis.depthwise_scratch_bytes(g, multiplier),
            linear=linear, range=out_range, input_zero_point=x.zero_points[0], depth_multiplier=multiplier, **g,
        )  # fmt: skip

    def fully_connected(self, op: Op) -> None:
        x, y = (_check_activation(self.graph, op, index) for index in (op.inputs[0], op.outputs[0]))
        if op.options.get("weights_format", 0) != 0:
            refuse(self.graph, op, f"weights format {op.options['weights_format']} is not supported, only the default")
        weights = _check_constant(self.graph, op, op.inputs[1], _WEIGHTS, "weights")
        if weights.ndim != 2 or x.size % weights.shape[1] or y.size != x.size // weights.shape[1] * weights.shape[0]:
            refuse(self.graph, op, f"weights {list(weights.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
        outputs, inputs = (int(n) for n in weights.shape)
        linear = self._linear(op, x, y, outputs, weights, weights)
        places = (self._input(op.inputs[0]),), self._output(op.outputs[0])
        frames = x.size // inputs
        self.macs += frames * weights.size
        name = self._name(op, "dense")
        out_range = _range(self.graph, op, y)
        if self.kernels == "auto" or len(self.graph.tensors[op.inputs[1]].scales) != 1:
            self._emit_own(
                "pointwise", name, op, *places, scratch_bytes=4 * inputs, linear=linear, range=out_range, inputs=inputs,
                outputs=outputs, frames=frames, input_stride=inputs,
            )  # fmt: skip
        else:
            self._emit(
                "cmsis_fully_connected", name, op, *places, linear=linear, range=out_range, inputs=inputs,
                outputs=outputs, frames=frames, input_zero_point=x.zero_points[0],
            )  # fmt: skip

    # Ops without weights.

    def add(self, op: Op) -> None:
        for index in op.inputs:
            if self.graph.tensors[index].data is not None:
                name = self.graph.tensors[index].name
                refuse(self.graph, op, f"operand '{name}' is constant, only activations can be added")
        a, b = (_check_activation(self.graph, op, index) for index in op.inputs)
        y = _check_activation(self.graph, op, op.outputs[0])
        for tensor in (a, b):
            if tensor.shape != y.shape:
                refuse(self.graph, op, f"operand '{tensor.name}' {list(tensor.shape)} is broadcast to {list(y.shape)}")
        multipliers = fixed_point.add_multipliers(a.scales[0], b.scales[0], y.scales[0])
        operands = []
        for tensor, (multiplier, shift) in zip((a, b), multipliers.operands, strict=True):
            if not -31 <= shift <= 0:
                refuse(self.graph, op, f"the scales {a.scales[0]:.9g} and {b.scales[0]:.9g} are too far apart")
            operands.append({"zero_point": tensor.zero_points[0], "multiplier": multiplier, "right_shift": -shift})
        multiplier, shift = multipliers.total
        if not -31 <= shift <= -1:
            larger = max(a.scales[0], b.scales[0])
            refuse(self.graph, op, f"output scale {y.scales[0]:.9g} is too far from the operands' {larger:.9g}")
        places = tuple(self._input(index) for index in op.inputs), self._output(op.outputs[0])
        self._emit(
            "add",
            self._name(op, "add"),
            op,
            *places,
            a=operands[0],
            b=operands[1],
            multiplier=multiplier,
            right_shift=-shift,
            range=_range(self.graph, op, y),
            count=y.size,
        )

    def average_pool(self, op: Op) -> None:
        x, y = (_check_activation(self.graph, op, index) for index in (op.inputs[0], op.outputs[0]))
        if not _same_quantization(x, y):
            refuse(self.graph, op, f"'{x.name}' and '{y.name}' must share scale and zero point")
        for tensor in (x, y):
            _check_rank(self.graph, op, tensor, 4)
        o = op.options
        if min(o["filter_h"], o["filter_w"], o["stride_h"], o["stride_w"]) < 1:
            refuse(self.graph, op, "windows and strides must be at least 1")
        pad = [
            self._padding(op, x.shape[1 + i], o[f"filter_{a}"], o[f"stride_{a}"], 1, y.shape[1 + i])
            for i, a in enumerate("hw")
        ]
        covered = (y.shape[1] - 1) * o["stride_h"] + o["filter_h"]
        if any(pad) or covered > x.shape[1] or x.shape[2] != 1 or o["filter_w"] != 1 or y.shape[3] != x.shape[3]:
            refuse(
                self.graph,
                op,
                f"only averages over whole rows of one column without padding are supported, this is "
                f"{o['filter_h']}x{o['filter_w']} over {list(x.shape)} with {o['padding']} padding",
            )
        out_range = _range(self.graph, op, y)
        name = self._name(op, "average")
        state = self.rings.get(op.inputs[0])
        if state is not None:
            fresh = self._input(self.pairs[state].fresh)
            self._emit("pool_ring", name, op, (fresh,), self._output(op.outputs[0]), range=out_range, state=state)
            return
        self._emit(
            "average_pool",
            name,
            op,
            (self._input(op.inputs[0]),),
            self._output(op.outputs[0]),
            range=out_range,
            channels=x.shape[3],
            rows=o["filter_h"],
            frames=y.shape[1],
            frame_stride=o["stride_h"] * x.shape[3],
        )


_LOWER = {
    "ADD": _Lowering.add,
    "AVERAGE_POOL_2D": _Lowering.average_pool,
    "CONV_2D": _Lowering.conv,
    "DEPTHWISE_CONV_2D": _Lowering.depthwise,
    "FULLY_CONNECTED": _Lowering.fully_connected,
}


def lower(bundle: Bundle, graph: Graph, *, kernels: str = "auto", window_steps: int = 4) -> Program:
    """Makes the program of a step.

    Args:
      bundle: names, resets and pairs the states.
      graph: of the bundle's model.
      kernels: ``auto`` takes the kit's own kernels wherever they fit and CMSIS-NN's elsewhere; ``cmsis`` takes
        CMSIS-NN's wherever it has one (the baseline that the own kernels are measured against).
      window_steps: steps between two moves of a sliding window, 1..64: more is faster and takes more RAM.

    Raises:
      KwsError: an op, type, shape, quantization or state cannot be generated; the line names it.
    """
    if kernels not in KERNELS:
        raise KwsError(f"kernels must be one of {', '.join(KERNELS)}. Received: {kernels}.")
    if not 1 <= window_steps <= 64:
        raise KwsError(f"window steps must be 1..64. Received: {window_steps}.")
    return _Lowering(bundle, graph, kernels, window_steps).run()
