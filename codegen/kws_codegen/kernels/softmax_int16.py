"""Softmax of int16 rows: ``aot::SoftmaxInt16``."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall
from kws_codegen.kernels.factor import Factor


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SoftmaxInt16(KernelCall):
    """Shares of exponentials in the sum of their row.

    Attributes:
      exponentials, reciprocals: int16 ``[513]``, of `kws_reference.tflite.int16`.
      factor: from differences to the argument of `exponentials`.
      rows, depth: sizes.
    """

    reads_int16: bool = True
    writes_int16: bool = True
    exponentials: np.ndarray
    reciprocals: np.ndarray
    factor: Factor
    rows: int
    depth: int

    kernel = "softmax_int16"
    header = "engine/aot/softmax_int16.h"

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (Constant("Exponentials", self.exponentials), Constant("Reciprocals", self.reciprocals))
