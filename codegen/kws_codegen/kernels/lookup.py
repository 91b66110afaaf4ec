"""Functions of one int8 value: ``aot::Lookup``."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Lookup(KernelCall):
    """Each element by its result in a table.

    Attributes:
      results: int8 ``[256]``, of the inputs -128 to 127.
      count: elements.
    """

    results: np.ndarray
    count: int

    kernel = "lookup"
    header = "engine/aot/lookup.h"

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (Constant("Table", self.results),)
