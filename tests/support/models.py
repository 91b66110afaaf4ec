"""Small streaming models with random weights, made without TensorFlow, as bundles that the whole kit accepts."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.frontend.micro_config import MicroFrontendConfig
from kws_reference.tflite.graph import Graph, Op, Tensor
from kws_reference.tflite.reader import read

from tests.support.tflite_writer import write

STEPS_PER_STD = 32


class GraphBuilder:
    """Builds a graph op by op. Methods return tensor indices; scales are chosen so that int8 is well used."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.states: list[dict[str, Any]] = []

    def graph(self) -> Graph:
        return Graph(
            tuple(self.tensors),
            tuple(self.ops),
            tuple(self.inputs),
            tuple(self.outputs),
            tuple(sorted({op.kind for op in self.ops})),
        )

    def tensor(
        self, name: str, shape: tuple[int, ...], scale: Any, zero_point: Any = 0, dtype: str = "INT8", data: Any = None
    ) -> int:
        scales = tuple(float(np.float32(s)) for s in np.atleast_1d(scale)) if scale is not None else ()
        points = tuple(int(z) for z in np.broadcast_to(zero_point, len(scales))) if scales else ()
        self.tensors.append(Tensor(len(self.tensors), name, tuple(shape), dtype, scales, points, data))
        return len(self.tensors) - 1

    def constant(self, name: str, values: Any) -> int:
        data = np.asarray(values, np.int32)
        return self.tensor(name, data.shape, None, dtype="INT32", data=data)

    def op(self, kind: str, inputs: list[int], output: int, **options: Any) -> int:
        self.ops.append(Op(len(self.ops), kind, tuple(inputs), (output,), options))
        return output

    def input(self, name: str, shape: tuple[int, ...], scale: float, zero_point: int = 0) -> int:
        self.inputs.append(self.tensor(name, shape, scale, zero_point))
        return self.inputs[-1]

    def like(self, x: int) -> tuple[tuple[int, ...], float, int]:
        tensor = self.tensors[x]
        return tensor.shape, tensor.scales[0], tensor.zero_points[0]

    def state(
        self, name: str, rows: int, x: int, *, slice_kind: str = "STRIDED_SLICE", reset: int | None = None
    ) -> int:
        """Joins a state of `rows` rows and `x`; the last rows become the state's output."""
        (_, fresh, width, channels), scale, zero_point = self.like(x)
        shape, total = (1, rows, width, channels), rows + fresh
        source = self.input(f"{name}_in", shape, scale, zero_point)
        joined = self.tensor(f"{name}/concat", (1, total, width, channels), scale, zero_point)
        self.op("CONCATENATION", [source, x], joined, axis=1, activation="NONE")
        sink = self.tensor(f"{name}_out", shape, scale, zero_point)
        begin = self.constant(f"{name}/begin", [0, fresh, 0, 0])
        if slice_kind == "SLICE":
            self.op("SLICE", [joined, begin, self.constant(f"{name}/size", [-1, rows, -1, channels])], sink)
        else:
            end = self.constant(f"{name}/end", [0, total, 0, 0])
            masks = dict(begin_mask=0b1101, end_mask=0b1101, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
            self.op("STRIDED_SLICE", [joined, begin, end, self.constant(f"{name}/strides", [1] * 4)], sink, **masks)
        self.outputs.append(sink)
        self.states.append(
            dict(
                name=name,
                input_index=len(self.inputs) - 1,
                output_index=len(self.outputs) - 1,
                shape=list(shape),
                scale=self.tensors[source].scales[0],
                zero_point=zero_point,
                reset_value=zero_point if reset is None else reset,
            )
        )
        return joined

    def old(self, name: str, shape: tuple[int, ...], scale: float, zero_point: int = 0) -> int:
        """A state as the last step left it; `keep` says what the next step finds."""
        return self.input(f"{name}_in", shape, scale, zero_point)

    def keep(self, name: str, source: int, sink: int, *, reset: int | None = None) -> None:
        """Makes `sink`, which has the shape and range of `source`, the new value of a state."""
        shape, scale, zero_point = self.like(source)
        assert self.like(sink) == (shape, scale, zero_point)
        self.outputs.append(sink)
        self.states.append(
            dict(
                name=name,
                input_index=self.inputs.index(source),
                output_index=len(self.outputs) - 1,
                shape=list(shape),
                scale=scale,
                zero_point=zero_point,
                reset_value=zero_point if reset is None else reset,
            )
        )

    def kept_inside(self, name: str, size: int, scale: float, zero_point: int = 0, dtype: str = "INT8") -> int:
        """A variable tensor, the state that an operator changes in place: an input and an output at once."""
        index = self.tensor(name, (1, size), scale, zero_point, dtype)
        self.tensors[index] = dataclasses.replace(self.tensors[index], is_variable=True)
        self.inputs.append(index)
        self.keep(name, index, index)
        self.states[-1]["dtype"] = dtype.lower()
        return index

    def svdf(
        self,
        name: str,
        x: int,
        units: int,
        steps: int,
        *,
        rank: int = 1,
        dtype: str = "INT16",
        state_zero_point: int = 0,
        activation: str = "RELU",
    ) -> int:
        """SVDF of `units`, each of `rank` filters over `steps` steps; `dtype`: of what they keep."""
        inputs, filters = self.tensors[x].shape[-1], units * rank
        largest = np.iinfo(dtype.lower()).max
        weights = self.rng.integers(-127, 128, (filters, inputs)).astype(np.int8)
        # What is kept is about as large as the input, and so is the output.
        feature = self.tensor(f"{name}/feature", weights.shape, 1 / (73 * inputs**0.5), data=weights)
        weights = self.rng.integers(-largest, largest + 1, (filters, steps)).astype(dtype.lower())
        time_scale = 1 / (0.6 * largest * (rank * steps) ** 0.5)
        time = self.tensor(f"{name}/time", weights.shape, time_scale, dtype=dtype, data=weights)
        # Random products fill a third of the memory's range.
        scale = self.tensors[x].scales[0] * 70 / (largest / 3)
        kept = self.kept_inside(f"{name}/memory", filters * steps, scale, state_zero_point, dtype)
        bias = self.rng.integers(-largest, largest + 1, units).astype(np.int32) * (largest // 9)
        bias = self.tensor(f"{name}/bias", (units,), scale * time_scale, dtype="INT32", data=bias)
        y = self.tensor(
            name,
            (1, units),
            scale * largest / 3 / 50,
            -128 if activation == "RELU" else int(self.rng.integers(-40, 40)),
        )
        return self.op("SVDF", [x, feature, time, bias, kept], y, rank=rank, activation=activation)

    def lstm(
        self, name: str, x: int, units: int, *, cell_power: int = -11, time_major: bool = False, clip: float = 0.0
    ) -> int:
        """UNIDIRECTIONAL_SEQUENCE_LSTM over the frames of `x`, ``[1, frames, inputs]``, or the other way round."""
        inputs = self.tensors[x].shape[-1]
        hidden = self.kept_inside(f"{name}/hidden", units, 1 / 120, -3)
        cell = self.kept_inside(f"{name}/cell", units, 2.0**cell_power, 0, "INT16")
        operands = [-1] * 24
        operands[0], operands[18:20] = x, (hidden, cell)
        for gate in range(4):
            for position, columns, of in ((1 + gate, inputs, x), (5 + gate, units, hidden)):
                data = self.rng.integers(-127, 128, (units, columns)).astype(np.int8)
                # A gate's argument is up to about 4.
                scale = float(self.rng.uniform(1, 2)) / (self.tensors[of].scales[0] * columns**0.5 * 70 * 73)
                operands[position] = self.tensor(f"{name}/weights{position}", data.shape, scale, data=data)
            data = self.rng.integers(-9000, 9000, units).astype(np.int32)
            operands[12 + gate] = self.tensor(f"{name}/bias{gate}", (units,), 1 / 4096, dtype="INT32", data=data)
        y = self.tensor(name, (*self.tensors[x].shape[:2], units), 1 / 120, -3)
        options = dict(activation="TANH", cell_clip=clip, projection_clip=0.0, time_major=time_major)
        return self.op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, y, **options)

    def as_converted(self) -> Graph:
        """The graph with the variable tensors inside, as TensorFlow's converter leaves them."""
        outside = {tensor.index for tensor in self.tensors if not tensor.is_variable}
        inputs, outputs = ([i for i in ends if i in outside] for ends in (self.inputs, self.outputs))
        return dataclasses.replace(self.graph(), inputs=tuple(inputs), outputs=tuple(outputs))

    def _weights(self, name: str, shape: tuple[int, ...], channels: int, axis: int) -> tuple[int, np.ndarray]:
        scales = self.rng.uniform(0.004, 0.012, channels) if channels > 1 else np.array([0.008])
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        return self.tensor(name, shape, scales, 0, data=data), scales

    def _output(self, name: str, shape: tuple[int, ...], terms: int, x: int, scales: Any, activation: str) -> int:
        # A random accumulator has a deviation of about sqrt(terms) * 70 * 73 steps; let that be 50 output steps.
        scale = self.tensors[x].scales[0] * float(np.mean(scales)) * terms**0.5 * 70 * 73 / 50
        zero_point = -128 if activation == "RELU" else int(self.rng.integers(-40, 40))
        return self.tensor(name, shape, scale, zero_point)

    def _bias(self, name: str, x: int, scales: np.ndarray, outputs: int, mode: str) -> list[int]:
        if mode == "absent":
            return []
        if mode == "optional":
            return [-1]
        values = self.rng.integers(-20000, 20000, outputs) if mode == "random" else np.zeros(outputs)
        bias_scale = np.broadcast_to(scales, outputs) * self.tensors[x].scales[0]
        data = values.astype(np.int32)
        return [self.tensor(name, (outputs,), bias_scale, 0, dtype="INT32", data=data)]

    def conv(
        self,
        name: str,
        x: int,
        outputs: int,
        *,
        kernel: int = 1,
        activation: str = "NONE",
        bias: str = "random",
        **options: Any,
    ) -> int:
        """CONV_2D over `kernel` rows."""
        (_, height, width, channels), *_ = self.like(x)
        stride, dilation = options.get("stride_h", 1), options.get("dilation_h", 1)
        padding = options.get("padding", "VALID")
        rows = -(-height // stride) if padding == "SAME" else (height - (kernel - 1) * dilation - 1) // stride + 1
        weights, scales = self._weights(f"{name}/weights", (outputs, kernel, 1, channels), outputs, 0)
        biases = self._bias(f"{name}/bias", x, scales, outputs, bias)
        y = self._output(name, (1, rows, width, outputs), kernel * channels, x, scales, activation)
        values = dict(padding=padding, stride_h=stride, stride_w=1, dilation_h=dilation, dilation_w=1)
        return self.op("CONV_2D", [x, weights, *biases], y, activation=activation, **values)

    def depthwise(
        self,
        name: str,
        x: int,
        kernel: int,
        *,
        multiplier: int = 1,
        activation: str = "NONE",
        bias: str = "zero",
        **options: Any,
    ) -> int:
        """DEPTHWISE_CONV_2D over `kernel` rows."""
        (_, height, width, channels), *_ = self.like(x)
        outputs = channels * multiplier
        stride, dilation = options.get("stride_h", 1), options.get("dilation_h", 1)
        rows = (height - (kernel - 1) * dilation - 1) // stride + 1
        weights, scales = self._weights(f"{name}/weights", (1, kernel, 1, outputs), outputs, 3)
        biases = self._bias(f"{name}/bias", x, scales, outputs, bias)
        y = self._output(name, (1, rows, width, outputs), kernel, x, scales, activation)
        values = dict(padding="VALID", stride_h=stride, stride_w=stride, dilation_h=dilation, dilation_w=1)
        values["depth_multiplier"] = multiplier
        return self.op("DEPTHWISE_CONV_2D", [x, weights, *biases], y, activation=activation, **values)

    def plane(
        self,
        name: str,
        x: int,
        kernel: tuple[int, int],
        *,
        outputs: int = 0,
        groups: int = 1,
        multiplier: int = 1,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
    ) -> int:
        """CONV_2D over rows and columns to `outputs` channels; DEPTHWISE_CONV_2D where there are none."""
        (_, *sizes, channels), *_ = self.like(x)
        reach = [0 if padding == "SAME" else (k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
        rows, columns = (-(-(n - r) // s) for n, r, s in zip(sizes, reach, stride, strict=True))
        values = dict(padding=padding, stride_h=stride[0], stride_w=stride[1], activation=activation)
        values |= dict(dilation_h=dilation[0], dilation_w=dilation[1])
        if outputs:
            shape, axis, kind = (outputs, *kernel, channels // groups), 0, "CONV_2D"
        else:
            outputs = channels * multiplier
            shape, axis, kind = (1, *kernel, outputs), 3, "DEPTHWISE_CONV_2D"
            values["depth_multiplier"] = multiplier
        weights, scales = self._weights(f"{name}/weights", shape, outputs, axis)
        bias = self._bias(f"{name}/bias", x, scales, outputs, "random")
        terms = int(np.prod(shape)) // outputs
        y = self._output(name, (1, rows, columns, outputs), terms, x, scales, activation)
        return self.op(kind, [x, weights, *bias], y, **values)

    def reshape(self, name: str, x: int, shape: tuple[int, ...]) -> int:
        _, scale, zero_point = self.like(x)
        y = self.tensor(name, shape, scale, zero_point)
        return self.op("RESHAPE", [x, self.constant(f"{name}/shape", shape)], y)

    def add(self, name: str, a: int, b: int, activation: str = "RELU") -> int:
        shape, scale_a, _ = self.like(a)
        _, scale_b, _ = self.like(b)
        zero_point = -128 if activation == "RELU" else int(self.rng.integers(-40, 40))
        y = self.tensor(name, shape, (scale_a**2 + scale_b**2) ** 0.5 * self.rng.uniform(0.7, 1.4), zero_point)
        return self.op("ADD", [a, b], y, activation=activation)

    def average(self, name: str, x: int, rows: int, stride: int = 1) -> int:
        (_, height, width, channels), scale, zero_point = self.like(x)
        y = self.tensor(name, (1, (height - rows) // stride + 1, width, channels), scale, zero_point)
        values = dict(padding="VALID", stride_h=stride, stride_w=1, filter_h=rows, filter_w=1, activation="NONE")
        return self.op("AVERAGE_POOL_2D", [x], y, **values)

    def dense(self, name: str, x: int, outputs: int, bias: str = "random") -> int:
        inputs = self.tensors[x].shape[-1]
        weights, scales = self._weights(f"{name}/weights", (outputs, inputs), 1, 0)
        biases = self._bias(f"{name}/bias", x, scales, outputs, bias)
        y = self._output(name, (1, outputs), inputs, x, scales, "NONE")
        return self.op(
            "FULLY_CONNECTED", [x, weights, *biases], y, activation="NONE", weights_format=0, keep_num_dims=False
        )

    def dense_of_rows(self, name: str, x: int, outputs: int, *, keep: bool) -> int:
        """A dense layer of each row of ``[1, rows, values]``; without `keep` its result is ``[rows, outputs]``."""
        shape = self.tensors[x].shape
        weights, scales = self._weights(f"{name}/weights", (outputs, shape[-1]), 1, 0)
        biases = self._bias(f"{name}/bias", x, scales, outputs, "random")
        result = (*shape[:-1], outputs) if keep else (self.tensors[x].size // shape[-1], outputs)
        y = self._output(name, result, shape[-1], x, scales, "NONE")
        return self.op(
            "FULLY_CONNECTED", [x, weights, *biases], y, activation="NONE", weights_format=0, keep_num_dims=keep
        )

    def function(self, kind: str, name: str, x: int, *, scale: float | None = None, **options: Any) -> int:
        """An operator of one value: `scale` is the output's, by default a little finer than the input's."""
        shape, scale_x, zero_point = self.like(x)
        if kind == "LOGISTIC":
            scale, zero_point = 1 / 256, -128
        elif kind == "TANH":
            scale, zero_point = 1 / 128, 0
        elif kind == "RELU6":  # which TFLite Micro does not rescale
            scale = scale_x
        else:
            scale, zero_point = scale or 0.8 * scale_x, int(self.rng.integers(-60, 60))
        return self.op(kind, [x], self.tensor(name, shape, scale, zero_point), **options)

    def moved(self, kind: str, name: str, inputs: list[int], shape: tuple[int, ...], like: int, **options: Any) -> int:
        """An operator that only moves elements, of scale and zero point of tensor `like`."""
        _, scale, zero_point = self.like(like)
        return self.op(kind, inputs, self.tensor(name, shape, scale, zero_point), **options)

    def split(self, kind: str, name: str, inputs: list[int], x: int, axis: int, sizes: list[int]) -> list[int]:
        """SPLIT or SPLIT_V of `x` into parts of `sizes` on `axis`."""
        shape, scale, zero_point = self.like(x)
        parts = []
        for number, size in enumerate(sizes):
            part = (*shape[:axis], size, *shape[axis + 1 :])
            parts.append(self.tensor(f"{name}/{number}", part, scale, zero_point))
        self.ops.append(Op(len(self.ops), kind, tuple(inputs), tuple(parts), {"splits": len(sizes)}))
        return parts

    def values(self, name: str, shape: tuple[int, ...], scale: float, zero_point: int = 0) -> int:
        """A constant operand of random int8 values."""
        data = self.rng.integers(-128, 128, shape).astype(np.int8)
        return self.tensor(name, shape, scale, zero_point, data=data)

    def binary(self, kind: str, name: str, a: int, b: int, scale: float | None, **options: Any) -> int:
        """An operator of two operands; `scale` of None is that of `a`, with its zero point."""
        shape = np.broadcast_shapes(self.tensors[a].shape, self.tensors[b].shape)
        _, scale_a, zero_point = self.like(a)
        if scale is not None:
            zero_point = int(self.rng.integers(-60, 60))
        return self.op(kind, [a, b], self.tensor(name, shape, scale or scale_a, zero_point), **options)

    def pool(self, kind: str, name: str, x: int, window: tuple[int, int], stride: tuple[int, int], padding: str) -> int:
        """MAX_POOL_2D or AVERAGE_POOL_2D over rows and columns."""
        (_, *sizes, channels), scale, zero_point = self.like(x)
        reach = [0 if padding == "SAME" else n - 1 for n in window]
        out = [-(-(n - r) // s) for n, r, s in zip(sizes, reach, stride, strict=True)]
        y = self.tensor(name, (1, *out, channels), scale, zero_point)
        values = dict(padding=padding, stride_h=stride[0], stride_w=stride[1], filter_h=window[0], filter_w=window[1])
        return self.op(kind, [x], y, activation="NONE", **values)

    def reduced(self, kind: str, name: str, x: int, axes: list[int], *, keep: bool, scale: float | None = None) -> int:
        """MEAN, SUM or REDUCE_MAX over `axes`; `scale` is the output's, by default the input's with its zero point."""
        shape, scale_x, zero_point = self.like(x)
        axes_of = {axis % len(shape) for axis in axes}
        left = tuple(1 if i in axes_of else n for i, n in enumerate(shape) if keep or i not in axes_of)
        y = self.tensor(name, left, scale or scale_x, -7 if scale else zero_point)
        return self.op(kind, [x, self.constant(f"{name}/axes", axes)], y, keep_dims=keep)

    def softmax(self, name: str, x: int, beta: float = 1.0) -> int:
        return self.op("SOFTMAX", [x], self.tensor(name, self.like(x)[0], 1 / 256, -128), beta=beta)

    def matmul(self, name: str, a: int, b: int, scale: float, *, adjoint: tuple[bool, bool] = (False, False)) -> int:
        """BATCH_MATMUL, of either operand transposed where `adjoint` says so."""
        left, right = (
            (*shape[:-2], *shape[-2:][::-1]) if swap else shape
            for shape, swap in zip((self.tensors[a].shape, self.tensors[b].shape), adjoint, strict=True)
        )
        shape = (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
        y = self.tensor(name, shape, scale, int(self.rng.integers(-40, 40)))
        return self.op("BATCH_MATMUL", [a, b], y, adjoint_a=adjoint[0], adjoint_b=adjoint[1])

    def scores(self, x: int) -> None:
        self.outputs.append(x)

    def write(
        self,
        folder: Path,
        *,
        name: str = "test",
        graph: Graph | None = None,
        model: bytes | None = None,
        frontend: dict[str, Any] | None = None,
    ) -> Bundle:
        """Writes the bundle; `graph` or `model` replace what was built (the manifest stays), `frontend` the MFCC."""
        features, scores = self.tensors[self.inputs[0]], self.tensors[self.outputs[-1]]
        labels = [f"label{i}" for i in range(scores.shape[1])]
        coefficients = features.shape[3]
        manifest = dict(
            name=name,
            labels=labels,
            frontend=frontend
            or dict(
                kind="mfcc",
                sample_rate_hz=16000,
                window_samples=480,
                hop_samples=160,
                fft_size=512,
                mel_bands=80,
                mel_low_hz=20.0,
                mel_high_hz=7600.0,
                coefficients=coefficients,
                feature_mean=[0.0] * coefficients,
                feature_std=[1.0] * coefficients,
                feature_steps_per_std=STEPS_PER_STD,
            ),
            frames_per_step=features.shape[1],
            features=dict(
                input_index=0,
                tensor_name=features.name,
                shape=list(features.shape),
                scale=features.scales[0],
                zero_point=features.zero_points[0],
            ),
            scores=dict(
                output_index=len(self.outputs) - 1,
                tensor_name=scores.name,
                shape=list(scores.shape),
                scale=scores.scales[0],
                zero_point=scores.zero_points[0],
                kind="logits",
            ),
            states=self.states,
            detector=dict(smoothing_steps=10, refractory_steps=25, threshold_q15=[20000] * len(labels)),
            accuracy={},
            provenance={},
            tools={},
        )
        return write_bundle(folder, model or write(graph or self.graph()), manifest)


def matchbox(
    seed: int = 1, *, features: int = 8, width: int = 16, labels: int = 4, slice_kind: str = "STRIDED_SLICE"
) -> GraphBuilder:
    """The kit's network in small: plain, residual, dilated and 1x1 block, average of frames and of a state, dense."""
    b = GraphBuilder(seed)
    x = b.input("features", (1, 2, 1, features), 1 / STEPS_PER_STD)
    x = b.depthwise("block1/depthwise", b.state("block1", 4, x, slice_kind=slice_kind), 5)
    x = b.conv("block1/pointwise", x, width, activation="RELU")
    residual = b.conv("block2/residual", x, width)
    x = b.depthwise("block2/depthwise", b.state("block2", 6, x, slice_kind=slice_kind), 7, bias="absent")
    x = b.add("block2/add", b.conv("block2/pointwise", x, width), residual)
    joined = b.state("block3", 8, x, slice_kind=slice_kind)
    x = b.depthwise("block3/depthwise", b.reshape("block3/split", joined, (1, 5, 2, width)), 5)
    x = b.conv("block3/pointwise", b.reshape("block3/join", x, (1, 2, 1, width)), 2 * width, activation="RELU")
    x = b.conv("block4/pointwise", x, 2 * width, activation="RELU")
    joined = b.state("pool", 9, b.average("pool/frames", x, 2), slice_kind=slice_kind)
    b.scores(b.dense("scores", b.average("pool/average", joined, 10), labels))
    return b


def streaming_wake_word(seed: int = 40) -> GraphBuilder:
    """The shapes of MLPerf Tiny's streaming wake word (ds_tcn): it computes 30 frames whole at each step."""
    b = GraphBuilder(seed)
    x = b.input("features", (1, 30, 1, 40), 1 / STEPS_PER_STD)
    for number, (taps, filters) in enumerate(((3, 128), (5, 128), (10, 128), (15, 32)), 1):
        x = b.depthwise(f"block{number}/depthwise", x, taps)
        x = b.conv(f"block{number}/pointwise", x, filters, activation="RELU")
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 32)), 3))
    return b


def _start(seed: int, frames: int, features: int) -> tuple[GraphBuilder, int]:
    builder = GraphBuilder(seed)
    return builder, builder.input("features", (1, frames, 1, features), 1 / STEPS_PER_STD, 3)


def odd_channels() -> GraphBuilder:
    """Channel counts that no vector width divides, three frames a step, RELU6, no bias, SLICE as the state's end."""
    b, x = _start(2, 3, 7)
    x = b.depthwise("dw", b.state("one", 2, x, slice_kind="SLICE"), 3, activation="RELU6", bias="absent")
    x = b.conv("pw", x, 13, activation="NONE", bias="absent")
    x = b.conv("pw2", x, 9, activation="RELU_N1_TO_1", bias="zero")
    x = b.average("mean", b.state("two", 3, x, slice_kind="SLICE"), 6)
    b.scores(b.dense("scores", x, 5, bias="optional"))
    return b


def one_frame() -> GraphBuilder:
    """One frame a step; a state shorter than its step's rows would be impossible, one of a single row is not."""
    b, x = _start(3, 1, 12)
    x = b.conv("front", b.state("context", 1, x), 8, kernel=2, activation="RELU")
    x = b.depthwise("dw", b.state("time", 6, x, reset=5), 4, dilation_h=2, activation="RELU")
    x = b.add("sum", x, b.conv("project", x, 8), activation="NONE")
    b.scores(b.dense("scores", b.average("mean", b.state("pool", 255, x), 256), 3))
    return b


def wide_step() -> GraphBuilder:
    """Four frames a step, more new rows than the state keeps, a convolution with a stride, a wide average."""
    b, x = _start(4, 4, 16)
    x = b.conv("conv", b.state("short", 2, x), 12, kernel=3, stride_h=3, activation="RELU")
    x = b.average("mean", x, 2)
    x = b.depthwise("dw", b.state("long", 40, x), 41)
    b.scores(b.dense("scores", b.conv("pw", x, 32, activation="RELU"), 6))
    return b


def features_twice() -> GraphBuilder:
    """The features feed a state and a residual; the last rows of a state are averaged in groups."""
    b, x = _start(5, 2, 8)
    y = b.depthwise("dw", b.state("one", 2, x), 3)
    x = b.add("sum", b.conv("a", y, 8), b.conv("b", x, 8))
    x = b.average("groups", b.state("two", 6, x), 4, stride=4)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 16)), 4))
    return b


def needs_cmsis() -> GraphBuilder:
    """A depth multiplier of several channels, which has no kernel of our own, beside dilated and padded rows."""
    b, x = _start(6, 2, 8)
    x = b.conv("dilated", b.state("one", 4, x), 12, kernel=3, dilation_h=2, activation="RELU")
    x = b.depthwise("double", b.state("two", 2, x), 3, multiplier=2, activation="RELU")
    x = b.conv("same", x, 8, kernel=3, padding="SAME", activation="RELU")
    b.scores(b.dense("scores", b.average("mean", x, 2), 4))
    return b


def left_shift() -> GraphBuilder:
    """Factors above one: the kernels' fast rounding does not hold and the general one must be chosen."""
    b, x = _start(7, 2, 8)
    x = b.depthwise("dw", b.state("one", 2, x), 3)
    y = b.conv("pw", x, 8)
    coarse = b.tensors[y]
    b.tensors[y] = dataclasses.replace(coarse, scales=(coarse.scales[0] / 700,))
    z = b.conv("back", y, 8, activation="RELU")
    b.scores(b.dense("scores", b.average("mean", z, 2), 4))
    return b


def long_rows() -> GraphBuilder:
    """Dot products and offsets beyond what fits into one instruction's immediate, or into Helium's unrolled loop."""
    b, x = _start(8, 2, 20)
    x = b.conv("conv", b.state("one", 12, x), 72, kernel=13, activation="RELU")
    x = b.depthwise("dw", b.state("two", 59, x), 60, activation="RELU")
    b.scores(b.dense("scores", b.average("mean", x, 2), 8))
    return b


def longest_rows() -> GraphBuilder:
    """Dot products that 4-bit kernels sum in parts, with a rest; more taps than int16 sums hold; an odd label."""
    b, x = _start(9, 2, 20)
    x = b.conv("conv", b.state("one", 34, x), 16, kernel=35, activation="RELU")
    x = b.depthwise("dw", b.state("two", 60, x), 61, activation="RELU")
    x = b.conv("deep", b.state("three", 39, x), 18, kernel=40)
    b.scores(b.dense("scores", b.average("mean", x, 2), 7))
    return b


def deep(blocks: int) -> GraphBuilder:
    """So many blocks alike, one behind the other."""
    b, x = _start(21, 2, 40)
    for number in range(blocks):
        x = b.depthwise(f"depthwise{number}", b.state(f"state{number}", 6, x), 7)
        x = b.conv(f"pointwise{number}", x, 32, activation="RELU")
        _rescale(b, x, 0.05)  # or the scales would grow from block to block
    b.scores(b.dense("scores", b.average("mean", x, 2), 8))
    return b


def micro_bundle(folder: Path) -> Bundle:
    """A network that hears by the micro front end as microWakeWord's models do, three frames a step."""
    b = GraphBuilder(12)
    x = b.input("features", (1, 3, 1, 40), float(np.float32(26 / 255)), -128)
    x = b.conv("conv", b.state("rows", 2, x), 16, kernel=3, activation="RELU")
    x = b.depthwise("dw", b.state("long", 4, x), 7)
    b.scores(b.dense("scores", x, 4))
    return b.write(folder, name="micro", frontend=MicroFrontendConfig().to_dict())


def no_states() -> GraphBuilder:
    """Nothing is kept between steps; four frames, clamped convolutions of two outputs and one of a lone dilated tap."""
    b, x = _start(10, 4, 20)
    narrow = b.conv("narrow", x, 2, activation="RELU6")
    x = b.conv("dilated_tap", narrow, 6, activation="RELU_N1_TO_1", dilation_h=2, bias="optional")
    x = b.depthwise("dw", x, 4, dilation_h=1, activation="RELU")
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 6)), 5, bias="absent"))
    return b


def feedback() -> GraphBuilder:
    """A state that is no window: read by two operators, and replaced by a sum that it is part of."""
    b, x = _start(12, 2, 8)
    x = b.conv("pw", x, 6)
    shape, scale, zero_point = b.like(x)
    old = b.old("memory", shape, scale, zero_point)
    new = b.tensor("memory/new", shape, scale, zero_point)
    b.op("ADD", [old, x], new, activation="NONE")
    b.keep("memory", old, new, reset=-7)
    x = b.add("sum", b.conv("of_old", old, 6), new, activation="NONE")
    b.scores(b.dense("scores", b.average("mean", x, 2), 3))
    return b


def handed_on() -> GraphBuilder:
    """States whose new value is another one's old value, in a circle, and a window behind them."""
    b, x = _start(13, 1, 4)
    x = b.conv("pw", x, 4)
    shape, scale, zero_point = b.like(x)
    first, second, third = (b.old(name, shape, scale, zero_point) for name in ("first", "second", "third"))
    b.keep("first", first, x)
    b.keep("second", second, third, reset=5)
    b.keep("third", third, second, reset=9)
    x = b.add("sum", b.add("near", first, second, activation="NONE"), third, activation="NONE")
    x = b.depthwise("dw", b.state("rows", 3, x), 4)
    b.scores(b.dense("scores", x, 3))
    return b


def lookups() -> GraphBuilder:
    """Every function of one value, between convolutions and of a state."""
    b, x = _start(12, 2, 10)
    for kind, options in {
        "HARD_SWISH": {},
        "LEAKY_RELU": {"alpha": 0.3},
        "ELU": {},
        "TANH": {},
        "RELU": {},
        "QUANTIZE": {},
        "RELU6": {},
    }.items():
        name = kind.lower()
        x = b.conv(f"{name}/pointwise", x, 12)
        _rescale(b, x, 1 / 24)
        x = b.function(kind, name, x, **{"scale": 1 / 24, **options})
    x = b.depthwise("dw", b.function("TANH", "state/tanh", b.state("one", 3, x)), 4)
    _rescale(b, x, 1 / 16)
    b.scores(b.dense("scores", b.average("mean", b.function("LOGISTIC", "logistic", x), 2), 6))
    return b


def moves() -> GraphBuilder:
    """Copies of all kinds: rows of a state, borders, parts, joined parts, other orders of dimensions."""
    b, x = _start(13, 2, 6)
    joined = b.state("one", 5, x)  # [1, 7, 1, 6]
    masks = dict(ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0b100, begin_mask=0b1001, end_mask=0b1001)
    bounds = [b.constant(f"bounds{i}", values) for i, values in enumerate(([0, -6, 0, 0], [0, 7, 1, 0], [1, 2, 1, 1]))]
    rows = b.moved("STRIDED_SLICE", "every_second", [joined, *bounds], (1, 3, 6), joined, **masks)
    bounds = [b.constant("begin", [0, 4, 0, 1]), b.constant("size", [1, 2, -1, 3])]
    part = b.moved("SLICE", "part", [joined, *bounds], (1, 2, 1, 3), joined)
    border = b.constant("border", [[0, 0], [1, 0], [2, 1]])
    rows = b.moved("PAD", "pad", [rows, border], (1, 4, 9), rows)
    rows = b.moved("TRANSPOSE", "swap", [rows, b.constant("order", [0, 2, 1])], (1, 9, 4), rows)
    thirds = b.split("SPLIT", "thirds", [b.constant("axis", 1), rows], rows, 1, [3, 3, 3])
    sizes = [b.constant("sizes", [1, -1]), b.constant("last", -1)]
    left, right = b.split("SPLIT_V", "halves", [thirds[1], *sizes], thirds[1], 2, [1, 3])
    both = b.moved(
        "CONCATENATION", "again", [right, thirds[2], left, thirds[0]], (1, 3, 12), x, axis=2, activation="NONE"
    )
    both = b.moved(
        "TRANSPOSE", "turn", [b.reshape("cube", both, (3, 4, 3)), b.constant("turned", [2, 0, 1])], (3, 3, 4), x
    )
    value = b.tensor("value", (), b.tensors[x].scales[0], 3, data=np.array(-100, np.int8))
    border = b.constant("frame", [[0, 0], [0, 1], [1, 1], [0, 0]])
    part = b.moved("PADV2", "framed", [part, border, value], (1, 3, 3, 3), x)
    ends = [b.reshape("a", both, (1, 36)), b.reshape("b", part, (1, 27)), b.reshape("c", x, (1, 12))]
    x = b.moved("CONCATENATION", "ends", ends, (1, 75), x, axis=-1, activation="NONE")
    b.scores(b.dense("scores", x, 5))
    return b


def elementwise() -> GraphBuilder:
    """Two operands of other shapes and scales, and constant ones: gates, offsets, limits, slopes."""
    b, x = _start(14, 3, 8)
    x = b.conv("pointwise", b.state("one", 2, x), 6)
    _rescale(b, x, 1 / 20)
    mean = b.reduced("MEAN", "squeeze", x, [1, 2], keep=True, scale=1 / 60)
    gate = b.function("LOGISTIC", "gate", mean)
    x = b.binary("MUL", "gated", x, gate, 1 / 40, activation="NONE")
    x = b.binary("MUL", "weighted", x, b.values("weights", (6,), 1 / 90, 5), 1 / 50, activation="RELU6")
    x = b.binary("ADD", "raised", x, b.values("offset", (), 1 / 300), 1 / 45, activation="NONE")
    x = b.binary("ADD", "wide", b.values("columns", (1, 1, 4, 1), 1 / 90), x, 1 / 30, activation="NONE")
    x = b.binary("SUB", "from", b.values("whole", (1, 5, 4, 6), 1 / 80, -9), x, 1 / 33, activation="NONE")
    rows = b.reduced("SUM", "rows", x, [1], keep=True, scale=1 / 9)
    x = b.binary("SUB", "centred", x, rows, 1 / 10, activation="NONE")
    x = b.op("PRELU", [x, b.values("slopes", (1, 1, 6), 1 / 100, 30)], b.tensor("prelu", b.like(x)[0], 1 / 13, 11))
    like = b.tensors[x].scales[0], b.tensors[x].zero_points[0]
    x = b.binary("MAXIMUM", "floor", x, b.values("lowest", (4, 1), *like), None)
    x = b.binary("MINIMUM", "ceiling", b.values("highest", (5, 1, 1), *like), x, None)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 120)), 6))
    return b


def pools() -> GraphBuilder:
    """Pools over rows and columns with borders, means and sums over other dimensions than time."""
    b, x = _start(15, 4, 18)
    x = b.reshape("image", x, (1, 4, 6, 3))
    x = b.pool("MAX_POOL_2D", "max", x, (3, 2), (1, 1), "SAME")
    a = b.pool("AVERAGE_POOL_2D", "average", x, (2, 3), (2, 3), "SAME")  # [1, 2, 2, 3]
    c = b.pool("AVERAGE_POOL_2D", "inner", x, (2, 3), (1, 2), "VALID")  # [1, 3, 2, 3]
    m = b.pool("MAX_POOL_2D", "sparse", x, (2, 2), (3, 4), "VALID")  # [1, 1, 2, 3]
    joined = b.moved("CONCATENATION", "joined", [a, c, m], (1, 6, 2, 3), x, axis=1, activation="NONE")
    columns = b.reduced("MEAN", "columns", joined, [2], keep=False, scale=1 / 40)  # [1, 6, 3]
    ends = b.reduced("MEAN", "ends", joined, [1, 3], keep=True)  # [1, 1, 2, 1]
    total = b.reduced("SUM", "total", joined, [-1, 2], keep=True, scale=1 / 4)
    tops = b.reduced("REDUCE_MAX", "tops", joined, [2, 1], keep=False)  # [1, 3]
    peaks = b.reduced("REDUCE_MAX", "peaks", joined, [3], keep=True)  # [1, 6, 2, 1]
    parts = []
    for name, y in {"columns": columns, "ends": ends, "total": total, "tops": tops, "peaks": peaks}.items():
        y = b.function("QUANTIZE", f"{name}/same", y, scale=1 / 30)
        parts.append(b.reshape(f"{name}/flat", y, (1, b.graph().tensors[y].size)))
        _rescale(b, parts[-1], 1 / 30, 0)
        _rescale(b, y, 1 / 30, 0)
    x = b.moved("CONCATENATION", "all", parts, (1, 41), parts[0], axis=1, activation="NONE")
    b.scores(b.dense("scores", x, 5))
    return b


def attention() -> GraphBuilder:
    """Two heads that attend to the rows of a state, with products of activations and of constant matrices."""
    b, x = _start(16, 2, 8)
    joined = b.state("rows", 6, x)  # [1, 8, 1, 8]
    heads = []
    for name, rows, y in ("query", 2, x), ("key", 8, joined), ("value", 8, joined):
        y = b.conv(name, y, 6)
        _rescale(b, y, 1 / 30)
        y = b.reshape(f"{name}/split", y, (1, rows, 2, 3))
        order = b.constant(f"{name}/order", [0, 2, 1, 3])
        heads.append(b.moved("TRANSPOSE", f"{name}/heads", [y, order], (1, 2, rows, 3), y))
    query, key, value = heads
    shares = b.softmax("shares", b.matmul("logits", query, key, 1 / 9, adjoint=(False, True)), beta=0.8)
    x = b.matmul("context", shares, value, 1 / 40)  # [1, 2, 2, 3]
    x = b.matmul("turned", b.values("left", (2, 2, 3), 1 / 90, 4), x, 1 / 40, adjoint=(True, False))  # [1, 2, 3, 3]
    x = b.matmul("mixed", x, b.values("mix", (3, 5), 1 / 80), 1 / 40)
    x = b.matmul("back", x, b.values("same", (1, 1, 4, 5), 1 / 80), 1 / 40, adjoint=(False, True))
    x = b.matmul("raised", x, b.values("other", (4, 4), 1 / 80, -3), 1 / 30)
    x = b.softmax("again", b.reshape("flat", x, (1, 24)))
    b.scores(b.dense("scores", x, 5))
    return b


def planes() -> GraphBuilder:
    """Convolutions over rows and columns: strides, dilations and borders of both, groups, depth multipliers."""
    b, x = _start(17, 4, 24)
    x = b.reshape("plane", x, (1, 6, 8, 2))
    for name, kernel, options in [
        ("first", (3, 4), dict(outputs=6, activation="RELU")),
        ("strided", (2, 3), dict(outputs=8, stride=(1, 2), padding="VALID")),  # [1, 5, 3, 8]
        ("dilated", (3, 2), dict(outputs=8, dilation=(2, 2), activation="RELU")),
        ("each", (3, 3), dict(dilation=(1, 2))),
        ("grouped", (2, 2), dict(outputs=4, groups=2, stride=(2, 1), activation="RELU")),  # [1, 3, 3, 4]
        ("double", (3, 2), dict(multiplier=2, stride=(1, 2), activation="RELU")),  # [1, 3, 2, 8]
        ("apart", (2, 1), dict(outputs=16, groups=4, dilation=(2, 1), padding="VALID")),  # [1, 1, 2, 16]
    ]:
        x = b.plane(name, x, kernel, **options)
        # Half of what comes out of a RELU is zero: without a finer scale nothing would be left in the end.
        _rescale(b, x, b.tensors[x].scales[0] / 4)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 32)), 5))
    return b


def memories() -> GraphBuilder:
    """SVDF layers in a row: of one filter a unit and of several, which keep 16 bits and 8, with and without RELU.

    The sums of the first one leave 32 bits where the features stay the same: they wrap around.
    """
    b, x = _start(18, 2, 10)
    x = b.svdf("wide", b.reshape("flat", x, (1, 20)), 11, 21, activation="NONE")
    b.tensors[b.ops[-1].inputs[2]].data.fill(2**15 - 1)
    x = b.svdf("first", x, 12, 8)
    x = b.svdf("of_three", x, 7, 5, rank=3, activation="NONE")
    x = b.svdf("bytes", x, 9, 6, rank=2, dtype="INT8", state_zero_point=-9)
    x = b.svdf("one_byte", x, 8, 1, dtype="INT8", activation="NONE")
    x = b.svdf("now", x, 6, 1, rank=2)
    b.scores(b.dense("scores", x, 5))
    return b


def gates() -> GraphBuilder:
    """LSTM layers over two frames, over two with the time in front, and over one; clipped; other scales of the cell."""
    b, x = _start(19, 2, 10)
    x = b.lstm("first", b.reshape("frames", x, (1, 2, 10)), 12)
    x = b.reshape("turned", x, (2, 1, 12))
    x = b.lstm("clipped", x, 7, cell_power=-13, time_major=True, clip=0.7)
    x = b.lstm("one", b.reshape("joined", x, (1, 1, 14)), 5, cell_power=-9)
    x = b.lstm("fine", x, 9, cell_power=-15)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 9)), 5))
    return b


def borders() -> GraphBuilder:
    """Convolutions over rows and columns with borders, walked along either axis, of odd channels, of one column."""
    b, x = _start(18, 6, 20)
    x = b.reshape("plane", x, (1, 12, 10, 1))
    for name, kernel, options in [
        ("first", (4, 3), dict(multiplier=8, stride=(1, 2), activation="RELU")),  # [1, 12, 5, 8]
        ("tall", (3, 3), dict(activation="RELU")),
        ("halved", (5, 4), dict(stride=(2, 2))),  # [1, 6, 3, 8]
        ("odd", (3, 2), dict(outputs=6, activation="RELU6")),
        ("each", (2, 3), dict()),
        ("apart", (3, 3), dict(outputs=12, dilation=(2, 1), activation="RELU")),
        ("rows", (3, 1), dict()),
        ("large", (5, 5), dict(outputs=8, activation="RELU")),  # 300 products
        ("column", (1, 3), dict(outputs=8, padding="VALID")),  # [1, 6, 1, 8]
        ("later", (3, 1), dict(dilation=(2, 1))),
    ]:
        x = b.plane(name, x, kernel, **options)
        # Half of what comes out of a RELU is zero: without a finer scale nothing would be left in the end.
        _rescale(b, x, b.tensors[x].scales[0] / 3)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 48)), 5))
    return b


def extreme_rows() -> GraphBuilder:
    """The largest weights, and the smallest one, which no pair of rows can hold above a negative one."""
    b, x = _start(19, 2, 20)
    x = b.conv("largest", b.state("one", 24, x), 8, kernel=25)  # 500 products
    _set_rows(b, "largest/weights", [127, -127, -127, 127, 127, 127, 0, -128])
    _rescale(b, x, 16 * b.tensors[x].scales[0])
    x = b.conv("held", x, 8)
    _set_rows(b, "held/weights", [-128, -1, 0, -128, 127, -128, -128, 127])
    _rescale(b, x, 4 * b.tensors[x].scales[0])
    x = b.conv("not_held", x, 8)
    _set_rows(b, "not_held/weights", [-1, -128, -128, -127, -5, -128, 127, 1])
    _rescale(b, x, 4 * b.tensors[x].scales[0])
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 16)), 4))
    return b


def _set_rows(b: GraphBuilder, name: str, values: list[int]) -> None:
    """Gives each row of weights one value, but its last element, which differs from row to row."""
    (index,) = (tensor.index for tensor in b.tensors if tensor.name == name)
    tensor = b.tensors[index]
    data = np.zeros(tensor.shape, np.int8) + np.array(values, np.int8).reshape(-1, *[1] * (len(tensor.shape) - 1))
    data.reshape(len(values), -1)[:, -1] = np.arange(len(values))
    b.tensors[index] = dataclasses.replace(tensor, data=data)


def _rescale(b: GraphBuilder, x: int, scale: float, zero_point: int | None = None) -> None:
    """Gives a tensor another scale than the builder chose, and another zero point."""
    point = b.tensors[x].zero_points if zero_point is None else (zero_point,)
    b.tensors[x] = dataclasses.replace(b.tensors[x], scales=(float(np.float32(scale)),), zero_points=point)


UNUSUAL = {
    model.__name__: model
    for model in (
        odd_channels,
        one_frame,
        wide_step,
        features_twice,
        needs_cmsis,
        left_shift,
        long_rows,
        longest_rows,
        no_states,
        feedback,
        handed_on,
        lookups,
        moves,
        elementwise,
        pools,
        attention,
        planes,
        memories,
        gates,
        borders,
        extreme_rows,
    )
}
"""Builders of models that use what the released one does not."""


_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def int4(graph: Graph, kinds: tuple[str, ...] = _WITH_WEIGHTS) -> Graph:
    """The graph with the weights of `kinds` rounded to INT4: -7..7, as fake quantization does.

    Convolutions keep their scales per channel; fully connected layers get one scale, since TFLite Micro runs INT4 per
    channel in convolutions only. Here and there a weight becomes -8, which fake quantization never gives but other
    tools may.
    """
    tensors = list(graph.tensors)

    def round_to(index: int, dtype: str, data_type: type, scales: np.ndarray, axis: int) -> np.ndarray:
        tensor = tensors[index]
        shape = [-1 if i == axis else 1 for i in range(tensor.data.ndim)]
        factors = (np.asarray(tensor.scales) / scales).reshape(shape if len(tensor.scales) > 1 else ())
        data = np.rint(tensor.data * factors).astype(data_type)
        tensors[index] = dataclasses.replace(tensor, dtype=dtype, data=data, scales=tuple(map(float, scales)))
        return data

    for op in graph.ops:
        if op.kind not in kinds:
            continue
        weights = tensors[op.inputs[1]]
        scales = np.asarray(weights.scales) * 127 / 7
        if op.kind == "FULLY_CONNECTED":
            scales = scales.max(keepdims=True)
        scales = scales.astype(np.float32)
        axis = weights.data.ndim - 1 if op.kind == "DEPTHWISE_CONV_2D" else 0
        round_to(weights.index, "INT4", np.int8, scales, axis).reshape(-1)[::37] = -8
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            products = (scales * np.float32(tensors[op.inputs[0]].scales[0])).astype(np.float32)
            round_to(op.inputs[2], "INT32", np.int32, products, 0)
    return dataclasses.replace(graph, tensors=tuple(tensors))


def int4_bundle(bundle: Bundle, folder: Path, kinds: tuple[str, ...] = _WITH_WEIGHTS) -> Bundle:
    """A bundle's model with `int4` weights, written to `folder`. It says nothing about accuracy at 4 bits."""
    manifest = json.loads((bundle.path / "model.json").read_text())
    return write_bundle(folder, write(int4(read(bundle.model), kinds)), manifest)


def largest(*, frames: int = 18, labels: int = 22, states: int = 190, features: int = 40) -> GraphBuilder:
    """By default exactly what the serial protocol can carry: a STEP of 768 bytes, the digests of 190 states."""
    b, x = _start(11, frames, features)
    x = b.conv("pw", b.depthwise("dw", x, frames), 4)
    for number in range(states):
        b.state(f"state{number}", 1, x)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 4)), labels))
    return b


def replace_tensor(graph: Graph, name: str, **changes: Any) -> Graph:
    """The graph with one tensor changed."""
    assert sum(tensor.name == name for tensor in graph.tensors) == 1, name
    tensors = [dataclasses.replace(t, **changes) if t.name == name else t for t in graph.tensors]
    return dataclasses.replace(graph, tensors=tuple(tensors))


def replace_op(graph: Graph, output: str, **changes: Any) -> Graph:
    """The graph with the op changed that writes tensor `output`; `options` are merged."""
    ops = []
    for op in graph.ops:
        if graph.tensors[op.outputs[0]].name == output:
            merged = {**op.options, **changes.get("options", {})}
            op = dataclasses.replace(op, **{**changes, "options": merged})
        ops.append(op)
    assert ops != list(graph.ops), output
    return dataclasses.replace(graph, ops=tuple(ops), op_kinds=tuple(sorted({op.kind for op in ops})))
