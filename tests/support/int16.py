"""Models of the tests with int16 activations: what TensorFlow Lite's converter calls 16x8."""

import dataclasses
from typing import Any

import numpy as np
from kws_reference.tflite.graph import Op, Tensor

from tests.support.models import GraphBuilder

FINER = 128
"""Steps of int16 in one of int8: its 255 steps fit on either side of 0, wherever the zero point was."""

ONLY_INT8 = ("BATCH_MATMUL", "ELU", "HARD_SWISH", "PADV2", "PRELU", "REDUCE_MAX")
"""Operators that stay on int8, between two QUANTIZE."""

_FINEST = 1 / 32768
"""Scale that LOGISTIC, SOFTMAX and TANH must have; those of the first two get it as all others do."""


def int16(builder: GraphBuilder, *, keep: tuple[str, ...] = ONLY_INT8, bias: str = "INT64") -> GraphBuilder:
    """The model on int16 activations, its states too; features, scores and weights stay int8.

    Args:
      keep: kinds of operators that stay on int8.
      bias: type of the biases, except for those of depthwise convolutions, which have 64 bits.
    """
    return _Widening(builder, keep, bias).result


class _Widening:
    """Every activation gets an int16 twin, at the index of the old tensor; int8 ones are added where they are needed.

    Attributes:
      result: the new builder.
    """

    def __init__(self, builder: GraphBuilder, keep: tuple[str, ...], bias: str):
        self._old, self._keep, self._bias = builder, keep, bias
        self.result = GraphBuilder(0)
        self.result.rng = builder.rng
        self.result.tensors = list(builder.tensors)
        for tensor in builder.tensors:
            if tensor.dtype == "INT8" and tensor.data is None:
                self._change(tensor, scale=tensor.scales[0] / FINER)
        narrow = self._narrow(builder.inputs[0], suffix="")
        self._op("QUANTIZE", [narrow], [builder.inputs[0]])
        for op in builder.ops:
            self._convert(op)
        scores = builder.outputs[-1]
        last = self._narrow(scores, suffix="")
        self._op("QUANTIZE", [scores], [last])
        self.result.inputs = [narrow, *builder.inputs[1:]]
        self.result.outputs = [*builder.outputs[:-1], last]
        self.result.states = [
            {**state, "scale": self._new(builder.inputs[state["input_index"]]).scales[0], "zero_point": 0}
            | {"reset_value": 0, "dtype": "int16"}
            for state in builder.states
        ]

    def _new(self, index: int) -> Tensor:
        return self.result.tensors[index]

    def _change(self, tensor: Tensor, *, scale: float, **more: Any) -> None:
        new = dataclasses.replace(tensor, dtype="INT16", scales=(float(np.float32(scale)),), zero_points=(0,), **more)
        self.result.tensors[tensor.index] = new

    def _narrow(self, index: int, suffix: str = "/int8") -> int:
        """A tensor as int8, with the old quantization."""
        old = self._old.tensors[index]
        return self.result.tensor(old.name + suffix, old.shape, old.scales[0], old.zero_points[0])

    def _op(self, kind: str, inputs: list[int], outputs: list[int], **options: Any) -> None:
        self.result.ops.append(Op(len(self.result.ops), kind, tuple(inputs), tuple(outputs), options))

    def _convert(self, op: Op) -> None:
        inputs, outputs, behind = list(op.inputs), list(op.outputs), []
        if op.kind in self._keep:
            for position, index in enumerate(inputs):
                if index >= 0 and self._old.tensors[index].dtype == "INT8" and self._old.tensors[index].data is None:
                    inputs[position] = self._narrow(index)
                    self._op("QUANTIZE", [index], [inputs[position]])
            outputs = [self._narrow(index) for index in op.outputs]
            behind = list(zip(outputs, op.outputs, strict=True))
        elif op.kind == "TANH":
            twin = self._new(outputs[0])
            outputs = [self.result.tensor(f"{twin.name}/finest", twin.shape, _FINEST, dtype="INT16")]
            behind = [(outputs[0], twin.index)]
        elif op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            if len(inputs) > 2 and inputs[2] >= 0:
                self._widen_bias(op, self._old.tensors[inputs[2]])
        else:
            for index in inputs:
                tensor = self._old.tensors[index] if index >= 0 else None
                if tensor is not None and tensor.dtype == "INT8" and tensor.data is not None:
                    self._widen_constant(tensor)
        self._op(op.kind, inputs, outputs, **op.options)
        for narrow, wide in behind:
            self._op("QUANTIZE", [narrow], [wide])

    def _widen_bias(self, op: Op, tensor: Tensor) -> None:
        dtype = "INT64" if op.kind == "DEPTHWISE_CONV_2D" else self._bias
        assert tensor.data is not None
        scales = tuple(float(np.float32(scale / FINER)) for scale in tensor.scales)
        data = tensor.data.astype(np.int64) * FINER
        self.result.tensors[tensor.index] = dataclasses.replace(
            tensor, dtype=dtype, data=data.astype(dtype.lower()), scales=scales
        )

    def _widen_constant(self, tensor: Tensor) -> None:
        assert tensor.data is not None
        data = (tensor.data.astype(np.int64) - tensor.zero_points[0]) * FINER
        self._change(tensor, scale=tensor.scales[0] / FINER, data=data.astype(np.int16))


def wide_sums() -> GraphBuilder:
    """Sums beyond 32 bits: of 1,200 products, and with large biases in a depthwise convolution, shown by a state."""
    b = GraphBuilder(18)
    x = b.input("features", (1, 2, 1, 20), 1 / 32, 3)
    deep = b.conv("deep", b.state("one", 59, x), 13, kernel=60)
    far = b.depthwise("far", b.state("two", 2, deep), 3)
    kept = b.depthwise("kept", b.state("three", 2, far), 3)
    x = b.add("sum", b.conv("of_far", kept, 9), b.conv("of_deep", deep, 9), activation="NONE")
    b.scores(b.dense("scores", b.average("mean", x, 2), 6))
    builder = int16(b)
    index = {tensor.name: tensor.index for tensor in builder.tensors}
    bias = builder.tensors[index["far/bias"]]
    assert bias.data is not None
    builder.tensors[bias.index] = dataclasses.replace(bias, data=bias.data + 2**31 * (-1) ** np.arange(bias.data.size))
    # Such that the bias is not all that a result shows: int16 saturates at 1.2 times the bias.
    scale = float(np.float32(2**31 * max(bias.scales) / 27000))
    for tensor in builder.tensors:
        if tensor.name in ("far", "three_in", "three/concat", "three_out"):
            builder.tensors[tensor.index] = dataclasses.replace(tensor, scales=(scale,))
    for state in builder.states:
        state["scale"] = builder.tensors[builder.inputs[state["input_index"]]].scales[0]
    return builder
