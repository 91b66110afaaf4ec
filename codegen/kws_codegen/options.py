"""What shapes a program besides the model: which kernels it may call, how far its windows slide."""

import dataclasses
import enum
from collections.abc import Collection

from kws_reference.errors import KwsError


class Kernels(enum.Enum):
    """Which kernels the generator prefers."""

    AUTO = "auto"
    """The kit's own wherever they fit, CMSIS-NN's elsewhere."""
    CMSIS = "cmsis"
    """CMSIS-NN's wherever it has one: the baseline that the own kernels are measured against."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the generator.

    Attributes:
      kernels: the preferred kernels.
      window_steps: steps between two moves of a sliding window, 1..64: more is faster and takes more RAM.
      without: names of optional passes that are left out (`passes.pipeline`).
    """

    kernels: Kernels = Kernels.AUTO
    window_steps: int = 4
    without: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, kernels: str, window_steps: int, without: Collection[str] = ()) -> "Options":
        """Options as the command line gives them.

        Raises:
          KwsError: there are no such kernels, or the steps are out of range. The names of passes are looked at where
            passes are known.
        """
        names = [choice.value for choice in Kernels]
        if kernels not in names:
            raise KwsError(f"kernels must be one of {', '.join(names)}. Received: {kernels}.")
        if not 1 <= window_steps <= 64:
            raise KwsError(f"window steps must be 1..64. Received: {window_steps}.")
        return cls(Kernels(kernels), window_steps, frozenset(without))
