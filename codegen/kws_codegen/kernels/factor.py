"""Real factors of kernels: ``aot::Factor``."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Factor:
    """A real factor: multiplier Q31, shift positive to the left."""

    multiplier: int
    shift: int
