"""Logistic function and tanh of int16 values: ``aot::LogisticInt16`` and ``aot::TanhInt16``."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _SigmoidInt16(KernelCall):
    """Interpolates between the entries of a table.

    Attributes:
      table: uint16 ``[256]``, of `kws_reference.tflite.int16`.
      multiplier, right_shift: from the input to the table's argument.
      count: elements.
    """

    reads_int16: bool = True
    writes_int16: bool = True
    table: np.ndarray
    multiplier: int
    right_shift: int
    count: int

    header = "engine/aot/sigmoid_int16.h"

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (Constant("Table", self.table),)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LogisticInt16(_SigmoidInt16):
    """``1 / (1 + exp(-x))``."""

    kernel = "logistic_int16"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TanhInt16(_SigmoidInt16):
    """``tanh(x)``."""

    kernel = "tanh_int16"
