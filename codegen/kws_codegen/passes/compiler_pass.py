"""What a pass is."""

import dataclasses
import inspect
from collections.abc import Callable

from kws_codegen.ir import Module


@dataclasses.dataclass(frozen=True)
class Pass:
    """A step from a module to the next one.

    Attributes:
      name: as ``--without`` and dumps have it.
      run: takes a module and returns it changed, or as it was.
      optional: the program computes the same integers without it, slower or in more memory.
    """

    name: str
    run: Callable[[Module], Module]
    optional: bool = False

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (inspect.getdoc(self.run) or "").splitlines()[0]
