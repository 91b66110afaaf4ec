"""Where the activations of a graph lie, as the lowerings of operators ask for it and fill it."""

from collections.abc import Mapping

from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph

from kws_codegen.places import Place, ScratchValue


class Layout:
    """Places of tensors. A view lies where the tensor lies that it views.

    Attributes:
      values: bytes of each scratch value, by its number.
    """

    def __init__(self, graph: Graph, views: Mapping[int, int]):
        """`views`: tensor index of a view -> tensor index of what it views."""
        self.values: list[int] = []
        self._graph = graph
        self._views = views
        self._places: dict[int, Place] = {}

    def __contains__(self, tensor: int) -> bool:
        return tensor in self._places

    def root(self, tensor: int) -> int:
        """The tensor whose memory `tensor` views."""
        while tensor in self._views:
            tensor = self._views[tensor]
        return tensor

    def put(self, tensor: int, place: Place) -> None:
        """Places a tensor that is no view."""
        self._places[tensor] = place

    def read(self, tensor: int) -> Place:
        """Where a tensor is read.

        Raises:
          KwsError: no operator wrote it before.
        """
        root = self.root(tensor)
        if root not in self._places:
            name = self._graph.tensors[tensor].name
            raise KwsError(f"cannot generate: tensor '{name}' is read before any operator wrote it.")
        return self._places[root]

    def write(self, tensor: int) -> Place:
        """Where a tensor is written: its place, or a new scratch value."""
        if tensor not in self._places:
            self._places[tensor] = ScratchValue(len(self.values))
            self.values.append(self._graph.tensors[tensor].size)
        return self._places[tensor]
