"""What the lowerings of all operators share: graph, options, places, names, and the calls made so far."""

from kws_reference.tflite.graph import Op

from kws_codegen.buffers import PoolRing, StateBuffer
from kws_codegen.checks import refuse
from kws_codegen.ir import Module
from kws_codegen.kernels.call import KernelCall
from kws_codegen.lower.layout import Layout
from kws_codegen.options import Kernels
from kws_codegen.places import Place


class Lowering:
    """One run over the operators of a module.

    Attributes:
      graph: whose operators are lowered.
      layout: where activations lie.
      calls: kernel calls so far.
    """

    def __init__(self, module: Module, layout: Layout):
        self.graph = module.graph
        self.layout = layout
        self.calls: list[KernelCall] = []
        self._module = module
        self._sliding = {rows.concat.index: index for index, rows in module.sliding.items()}
        self._cuts = {rows.cut.index for rows in module.sliding.values()}
        # Tensor -> (order, name) of the state that it descends from.
        self._blocks = {state.source: (-1, state.name) for state in module.states}

    def emit(self, call: KernelCall) -> None:
        """Appends a kernel call."""
        self.calls.append(call)

    def read(self, tensor: int) -> Place:
        """Where an operand lies; see `Layout.read`."""
        return self.layout.read(tensor)

    def write(self, tensor: int) -> Place:
        """Where a result goes; see `Layout.write`."""
        return self.layout.write(tensor)

    # Decisions of the passes.

    @property
    def own_kernels(self) -> bool:
        """Whether the kit's own kernels are taken wherever they fit."""
        return self._module.options.kernels is Kernels.AUTO

    def is_folded(self, op: Op) -> bool:
        """Whether the zero point of a layer's input goes into its bias, and the kit's own kernels may be taken."""
        return op.index in self._module.folded

    def is_packed(self, op: Op) -> bool:
        """Whether a layer's 4-bit weights stay packed."""
        return op.index in self._module.packed

    def lies_in(self, tensor: int, other: int, offset: int = 0) -> bool:
        """Whether a tensor is bytes of another one from `offset` on, or of what that is part of: nothing is copied."""
        root, first = self._module.root(other)
        return self._module.root(tensor) == (root, first + offset)

    # Names: "<state that the data went through last>.<what>".

    def follow(self, op: Op) -> None:
        """The results of an operator descend from the same state as the last of its operands."""
        known = [self._blocks[index] for index in op.inputs if index in self._blocks]
        block = max(known) if known else (-1, "input")
        for index in op.outputs:
            self._blocks[index] = block

    def name(self, op: Op, what: str) -> str:
        """Name of a call."""
        return f"{self._blocks[op.outputs[0]][1]}.{what}"

    # Sliding windows, as operators meet them.

    def joined_state(self, op: Op) -> tuple[int, StateBuffer] | None:
        """New rows (a tensor index) and buffer of the window that a CONCATENATION joins, or None."""
        index = self._sliding.get(op.index)
        return None if index is None else (self._module.sliding[index].fresh, self._module.buffers[index])

    def ring_of(self, tensor: int) -> tuple[int, PoolRing] | None:
        """New rows and buffer of the ring whose rows are `tensor`, or None."""
        for index, rows in self._module.sliding.items():
            buffer = self._module.buffers[index]
            if rows.joined == tensor and isinstance(buffer, PoolRing):
                return rows.fresh, buffer
        return None

    def cuts_state(self, op: Op) -> bool:
        """Whether a slice only cuts a window to what is kept of it."""
        return op.index in self._cuts

    def inner_state(self, op: Op, position: int) -> int:
        """The state, by its number, that an operator keeps in its input `position` and changes in place.

        Raises:
          KwsError: the input is no variable tensor, others use it, or the manifest does not name it.
        """
        if op.inputs[position] < 0:
            refuse(self.graph, op, f"it has no state in input {position}")
        tensor = self.graph.tensors[op.inputs[position]]
        if not tensor.is_variable or tensor.data is not None:
            refuse(self.graph, op, f"its state '{tensor.name}' is no variable tensor")
        if [other for other in self.graph.ops for index in other.inputs if index == tensor.index] != [op]:
            refuse(self.graph, op, f"its state '{tensor.name}' is used by other operators, or twice")
        for number, state in enumerate(self._module.states):
            if state.source == state.sink == tensor.index:
                return number
        refuse(
            self.graph,
            op,
            f"no state of the manifest is its state '{tensor.name}'; kws-codegen adopt makes one of it",
        )

    def buffer(self, state: int) -> StateBuffer:
        """The buffer of a state."""
        return self._module.buffers[state]

    def enter_block(self, op: Op, buffer: StateBuffer) -> None:
        """What follows the operator's result is named after a state."""
        self._blocks[op.outputs[0]] = (op.index, buffer.name)
