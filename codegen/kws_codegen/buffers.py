"""How a program keeps its streaming states between two steps: one class for each buffer of the firmware."""

import abc
import dataclasses
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class StateBuffer(abc.ABC):
    """A state and the static memory that holds it.

    Attributes:
      index: position among the manifest's states.
      name: from the manifest.
      rows: rows kept between steps.
      row_bytes: bytes of a row.
      reset_value: int8; of an int16 state 0.
    """

    index: int
    name: str
    rows: int
    row_bytes: int
    reset_value: int

    kind: ClassVar[str]
    """The buffer's name in reports; templates/buffers/<kind>.j2 holds its C++ type."""
    header: ClassVar[str]
    """The firmware's header that defines the buffer."""
    advances: ClassVar[bool]
    """Whether the end of a step moves the buffer on; else the kernel that reads it does."""

    @property
    def template(self) -> str:
        """Template file of the C++ type."""
        return f"buffers/{self.kind}.j2"

    @property
    def size(self) -> int:
        """Bytes of the state tensor."""
        return self.rows * self.row_bytes

    @property
    @abc.abstractmethod
    def new_rows(self) -> int:
        """Rows that one step adds."""

    @property
    @abc.abstractmethod
    def data_bytes(self) -> int:
        """RAM of the buffer's rows and sums, without its position and padding."""


@dataclasses.dataclass(frozen=True)
class Window(StateBuffer):
    """Rows that lie one behind the other and slide through a longer buffer: ``aot::Window``.

    Attributes:
      rows_per_step: rows that one step adds.
      steps: steps between two moves back to the start of the buffer.
    """

    rows_per_step: int
    steps: int

    kind = "window"
    header = "engine/aot/window.h"
    advances = True

    @property
    def new_rows(self) -> int:
        return self.rows_per_step

    @property
    def data_bytes(self) -> int:
        return (self.rows + self.rows_per_step * self.steps) * self.row_bytes


@dataclasses.dataclass(frozen=True)
class Held(StateBuffer):
    """A state that a step reads as it is and that the end of the step replaces whole: ``aot::Held``."""

    kind = "held"
    header = "engine/aot/held.h"
    advances = False

    @property
    def new_rows(self) -> int:
        return self.rows

    @property
    def data_bytes(self) -> int:
        return self.size


@dataclasses.dataclass(frozen=True)
class SvdfMemory(StateBuffer):
    """The last results of each filter of an SVDF, which slide through a longer buffer: ``aot::SvdfMemory``.

    A row is what one filter keeps.

    Attributes:
      steps: results that a filter keeps.
      shifts: steps between two moves back to the start of the buffer.
    """

    steps: int
    shifts: int

    kind = "svdf_memory"
    header = "engine/aot/svdf.h"
    advances = False

    @property
    def element_bytes(self) -> int:
        """Bytes of one result."""
        return self.row_bytes // self.steps

    @property
    def new_rows(self) -> int:
        return self.rows

    @property
    def data_bytes(self) -> int:
        return self.rows * (self.steps + self.shifts - 1) * self.element_bytes


@dataclasses.dataclass(frozen=True)
class PoolRing(StateBuffer):
    """A ring of rows with their running sums, for an average over all of them: ``aot::PoolRing``."""

    kind = "ring"
    header = "engine/aot/pool.h"
    advances = False

    @property
    def new_rows(self) -> int:
        return 1

    @property
    def data_bytes(self) -> int:
        sum_bytes = 2 if (self.rows + 1) * 128 <= 32767 else 4
        return self.size + self.row_bytes * sum_bytes
