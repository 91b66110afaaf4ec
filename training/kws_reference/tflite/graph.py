"""A ``.tflite`` as it stands in the file: tensors, and the operators that read and write them, in plain Python."""

import dataclasses
from typing import Any

import numpy as np

from kws_reference.tflite import schema


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
      index: position in the subgraph.
      name: as in the file.
      shape: dimensions.
      dtype: TensorFlow Lite's name of the type, for example ``INT8``.
      scales, zero_points: quantization; empty when the tensor has none, one entry per tensor or per channel.
      data: constant value, or None for an activation. INT4 values are unpacked to int8 here.
      is_variable: keeps its value from one run to the next: a state that an operator reads and changes.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    data: np.ndarray | None
    is_variable: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def element_bytes(self) -> int:
        """Bytes of an activation's element."""
        return schema.ELEMENT_BITS.get(self.dtype, 8) // 8

    @property
    def stored_bytes(self) -> int:
        """Bytes in the file or in memory, INT4 packed; types of no fixed size count a byte an element."""
        return -(-self.size * schema.ELEMENT_BITS.get(self.dtype, 8) // 8)


@dataclasses.dataclass(frozen=True)
class Op:
    """An operation of the graph.

    Attributes:
      index: position in the subgraph's execution order.
      kind: TensorFlow Lite's name, for example ``CONV_2D``.
      inputs, outputs: tensor indices; -1 stands for an optional input that is absent.
      options: builtin options, enumerations by name.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Graph:
    """A subgraph of a model. `inputs` and `outputs` are tensor indices."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    op_kinds: tuple[str, ...]  # distinct, sorted

    def producer(self, tensor: int) -> Op | None:
        """The op that writes `tensor`, or None for inputs and constants."""
        return next((op for op in self.ops if tensor in op.outputs), None)

    def consumers(self, tensor: int) -> list[Op]:
        """The ops that read `tensor`, in execution order."""
        return [op for op in self.ops if tensor in op.inputs]

    def describe(self, op: Op) -> str:
        """Names an op for a message: kind, position and output tensor."""
        result = f", output '{schema.short_name(self.tensors[op.outputs[0]].name)}'" if op.outputs else ""
        return f"{op.kind} (operator {op.index}{result})"
