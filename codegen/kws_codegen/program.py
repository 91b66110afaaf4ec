"""The program of a step: what the passes make of the graph, and what is rendered."""

import dataclasses

from kws_codegen.buffers import StateBuffer
from kws_codegen.kernels.call import KernelCall


@dataclasses.dataclass(frozen=True)
class Program:
    """Everything that a step does, in order.

    Attributes:
      calls: kernel calls.
      buffers: of the states, in the manifest's order.
      values: bytes of each scratch value, by its number.
    """

    calls: tuple[KernelCall, ...]
    buffers: tuple[StateBuffer, ...]
    values: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one step."""
        return sum(call.macs for call in self.calls)
