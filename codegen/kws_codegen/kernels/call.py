"""What every kernel call has: operands, working memory, constants in flash, a name and a template."""

import dataclasses
from typing import ClassVar

import numpy as np
from kws_reference.tflite.graph import Op

from kws_codegen.buffers import StateBuffer
from kws_codegen.places import Place


@dataclasses.dataclass(frozen=True, eq=False)
class Constant:
    """An array in flash.

    Attributes:
      suffix: of its C++ name, for example ``Weights``.
      values: integers; the type of the C++ array is that of these.
    """

    suffix: str
    values: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class KernelCall:
    """One kernel call of a step. A subclass for each kernel adds what the kernel's parameters are made of.

    Attributes:
      name: for people and profiles, for example ``block1.depthwise``.
      op: the graph's operator, for reports; None when no operator stands behind the call.
      reads, writes: where the operands lie.
      reads_int16, writes_int16: their elements are int16, not int8.
    """

    name: str
    op: Op | None
    reads: tuple[Place, ...]
    writes: Place
    reads_int16: bool = False
    writes_int16: bool = False

    kernel: ClassVar[str]
    """The kernel's name in reports; templates/kernels/<kernel>.j2 holds the layout of the call."""
    header: ClassVar[str]
    """The firmware's header that declares the kernel."""

    @property
    def template(self) -> str:
        """Template file of the call."""
        return f"kernels/{self.kernel}.j2"

    @property
    def scratch_bytes(self) -> int:
        """Working memory that the kernel needs during the call."""
        return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the call."""
        return 0

    @property
    def weights(self) -> Constant | None:
        """Weights as they lie in flash."""
        return None

    @property
    def tables(self) -> tuple[Constant, ...]:
        """All other constants in flash."""
        return ()

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Everything in flash, in the order in which it is written."""
        return (*([self.weights] if self.weights else []), *self.tables)

    @property
    def buffer(self) -> StateBuffer | None:
        """The state that the kernel itself keeps, if it keeps one."""
        return None
