"""What kernels of two operands have in common."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TwoOperands(KernelCall):
    """A kernel of operands `a` and `b`: what is no constant is read.

    Attributes:
      values_of: int8 values of `a` and `b`, None for an activation.
    """

    values_of: tuple[np.ndarray | None, np.ndarray | None]

    @property
    def constants_by_operand(self) -> tuple[Constant | None, Constant | None]:
        """The constants in flash of `a` and `b`."""
        a, b = self.values_of
        return None if a is None else Constant("A", a), None if b is None else Constant("B", b)

    @property
    def tables(self) -> tuple[Constant, ...]:
        return tuple(constant for constant in self.constants_by_operand if constant)

    def read_of(self, operand: int) -> int:
        """Position in `reads` of an operand that is no constant."""
        return sum(values is None for values in self.values_of[:operand])
