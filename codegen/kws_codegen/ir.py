"""Intermediate representation: the program that is made of a model's graph (`kws_reference.tflite.graph`)."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an activation lies.

    Attributes:
      kind: ``value`` (a buffer of the scratch memory), ``rows`` (all rows of window `index`), ``new_rows`` (the rows
        that this step adds to window `index`), ``features`` or ``scores`` (the caller's).
      index: number of the value or of the window.
    """

    kind: str
    index: int = 0


@dataclasses.dataclass(frozen=True)
class Range:
    """Output quantization of a layer: zero point and clamp, all int8."""

    zero_point: int
    low: int
    high: int


@dataclasses.dataclass(frozen=True)
class State:
    """A streaming state and how the program keeps it.

    Attributes:
      kind: ``window`` or ``ring``.
      rows, new_rows: rows kept between steps, rows that one step adds.
      row_bytes: int8 elements of a row.
      reset_value: int8.
      steps: steps between two moves of a window; 0 for a ring.
    """

    index: int
    name: str
    kind: str
    rows: int
    new_rows: int
    row_bytes: int
    reset_value: int
    steps: int

    @property
    def size(self) -> int:
        """Bytes of the state tensor."""
        return self.rows * self.row_bytes


@dataclasses.dataclass(frozen=True)
class Linear:
    """Weights and requantization of a convolution or fully connected layer.

    Attributes:
      weights: int8, in the order that the kernel reads; two values per byte where `packed`.
      bias: int32 ``[outputs]``, input zero point not folded.
      folded_bias: int32 ``[outputs]``: bias - input zero point * sum of weights.
      multipliers, shifts: int32 ``[outputs]``: Q31 and TensorFlow Lite's shift (positive to the left).
      fast: the kernels' fast rounding is proven to give the same integers.
      packed: the weights are 4-bit values in the kernel's layout, see `pack`.
    """

    weights: np.ndarray
    bias: np.ndarray
    folded_bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    fast: bool
    packed: bool = False


@dataclasses.dataclass(frozen=True)
class Layer:
    """One kernel call of a step.

    Attributes:
      kind: ``pointwise``, ``pointwise_int4``, ``depthwise``, ``depthwise_int4``, ``add``, ``average_pool``,
        ``pool_ring``, ``copy``, ``cmsis_conv``, ``cmsis_depthwise`` or ``cmsis_fully_connected``.
      name: for people and profiles, for example ``block1.depthwise``.
      op: index of the graph's op, for reports; -1 when none stands behind it.
      inputs, output: places.
      params: what the kernel needs besides, by name; numbers, `Range` or `Linear`.
      scratch_bytes: working memory of the call.
    """

    kind: str
    name: str
    op: int
    inputs: tuple[Place, ...]
    output: Place
    params: dict[str, Any]
    scratch_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class Program:
    """Everything that a step does, in order.

    Attributes:
      values: bytes of each scratch value, by its number.
      macs: multiply-accumulates of one step.
    """

    layers: tuple[Layer, ...]
    states: tuple[State, ...]
    values: tuple[int, ...]
    macs: int
