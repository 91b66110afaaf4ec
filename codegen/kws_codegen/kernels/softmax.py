"""Softmax of rows: ``aot::Softmax``."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Softmax(KernelCall):
    """Shares of exponentials in the sum of their row.

    Attributes:
      exponentials: int32 ``[256]``, of `kws_reference.tflite.softmax`.
      rows, depth: sizes.
    """

    exponentials: np.ndarray
    rows: int
    depth: int

    kernel = "softmax"
    header = "engine/aot/softmax.h"

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (Constant("Exponentials", self.exponentials),)
