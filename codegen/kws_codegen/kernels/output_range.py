"""Output quantization of a kernel: ``aot::OutputRange``."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class OutputRange:
    """Zero point and clamp of int8 results.

    Attributes:
      zero_point: int8 value of real zero.
      low, high: fused activation, int8, both included.
    """

    zero_point: int
    low: int
    high: int

    @property
    def is_full(self) -> bool:
        """Whether results only saturate to int8."""
        return (self.low, self.high) == (-128, 127)
