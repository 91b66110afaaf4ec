"""Values of int8 or int16 in another quantization: ``aot::Rescale``."""

import dataclasses

from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.output_range import OutputRange


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Rescale(KernelCall):
    """Each element times a factor, one for values from real zero on and one for those below it.

    Attributes:
      zero_point: of the input.
      above, below: the factors.
      range: of the results.
      count: elements.
    """

    zero_point: int
    above: Factor
    below: Factor
    range: OutputRange
    count: int

    kernel = "rescale"
    header = "engine/aot/rescale.h"
