"""What the lowerings of all operators share: graph, options, places, names, and the calls made so far."""

from kws_reference.tflite.graph import Graph, Op

from kws_codegen.buffers import PoolRing, StateBuffer
from kws_codegen.kernels.call import KernelCall
from kws_codegen.lower.layout import Layout
from kws_codegen.options import Kernels, Options
from kws_codegen.places import Place


class Lowering:
    """One run over the operators of a graph.

    Attributes:
      graph: whose operators are lowered.
      layout: where activations lie.
      calls: kernel calls so far.
    """

    def __init__(self, graph: Graph, layout: Layout, options: Options):
        self.graph = graph
        self.layout = layout
        self.calls: list[KernelCall] = []
        self._options = options
        self._joins: dict[int, tuple[int, StateBuffer]] = {}  # index of a CONCATENATION -> new rows, buffer
        self._rings: dict[int, tuple[int, PoolRing]] = {}  # tensor of the joined rows -> new rows, buffer
        self._sinks: set[int] = set()
        self._blocks: dict[int, tuple[int, str]] = {}  # tensor -> (order, name) of the state that it descends from

    @property
    def own_kernels(self) -> bool:
        """Whether the kit's own kernels are taken wherever they fit."""
        return self._options.kernels is Kernels.AUTO

    def emit(self, call: KernelCall) -> None:
        """Appends a kernel call."""
        self.calls.append(call)

    def read(self, tensor: int) -> Place:
        """Where an operand lies; see `Layout.read`."""
        return self.layout.read(tensor)

    def write(self, tensor: int) -> Place:
        """Where a result goes; see `Layout.write`."""
        return self.layout.write(tensor)

    # Names: "<state that the data went through last>.<what>".

    def name(self, op: Op, what: str) -> str:
        """Name of a call; the operator's results descend from the same state as the last of its operands."""
        roots = [self.layout.root(index) for index in op.inputs]
        known = [self._blocks[root] for root in roots if root in self._blocks]
        order, block = max(known) if known else (-1, "input")
        for result in op.outputs:
            self._blocks[result] = (order, block)
        return f"{block}.{what}"

    # States, as operators meet them.

    def add_state(self, concat: Op, fresh: int, sink: int, buffer: StateBuffer) -> None:
        """Tells which CONCATENATION joins a state, of which tensor its new rows are and which is its output."""
        self._joins[concat.index] = (fresh, buffer)
        self._sinks.add(sink)
        if isinstance(buffer, PoolRing):
            self._rings[concat.outputs[0]] = (fresh, buffer)

    def joined_state(self, op: Op) -> tuple[int, StateBuffer] | None:
        """New rows and buffer of the state that a CONCATENATION joins, or None."""
        return self._joins.get(op.index)

    def ring_of(self, tensor: int) -> tuple[int, PoolRing] | None:
        """New rows and buffer of the ring whose rows are `tensor`, or None."""
        return self._rings.get(tensor)

    def is_state_output(self, tensor: int) -> bool:
        """Whether a tensor is a state after the step."""
        return tensor in self._sinks

    def enter_block(self, op: Op, buffer: StateBuffer) -> None:
        """What follows the operator's result is named after a state."""
        self._blocks[op.outputs[0]] = (op.index, buffer.name)
