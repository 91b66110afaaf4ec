"""Where the activations of a graph lie, as the lowerings of operators ask for it and fill it."""

from kws_reference.errors import KwsError

from kws_codegen.ir import Module
from kws_codegen.places import Place, ScratchValue, part


class Layout:
    """Places of tensors. A view lies where the tensor lies that it views.

    Attributes:
      values: bytes of each scratch value, by its number.
    """

    def __init__(self, module: Module):
        """Args: module: with places and views."""
        self.values: list[int] = []
        self._module = module
        self._places: dict[int, Place] = dict(module.places)

    def read(self, tensor: int) -> Place:
        """Where a tensor is read.

        Raises:
          KwsError: no operator wrote it before.
        """
        root, offset = self._module.root(tensor)
        if root not in self._places:
            name = self._module.graph.tensors[tensor].name
            raise KwsError(f"cannot generate: tensor '{name}' is read before any operator wrote it.")
        return part(self._places[root], offset * self._element_bytes(root))

    def write(self, tensor: int) -> Place:
        """Where a tensor is written: its place, or a new scratch value."""
        root, offset = self._module.root(tensor)
        if root not in self._places:
            self._places[root] = self.new_value(self._module.graph.tensors[root].stored_bytes)
        return part(self._places[root], offset * self._element_bytes(root))

    def new_value(self, size: int) -> ScratchValue:
        """A scratch value of `size` bytes."""
        self.values.append(size)
        return ScratchValue(len(self.values) - 1)

    def _element_bytes(self, tensor: int) -> int:
        return self._module.graph.tensors[tensor].element_bytes
