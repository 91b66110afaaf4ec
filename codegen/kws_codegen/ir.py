"""What the passes work on: the graph of a model, and all that they have found out and decided about it."""

import dataclasses
from collections.abc import Mapping

from kws_reference.bundle import Bundle
from kws_reference.tflite.graph import Graph, Op

from kws_codegen.buffers import StateBuffer
from kws_codegen.options import Options
from kws_codegen.places import Place
from kws_codegen.plan import Plan
from kws_codegen.program import Program


@dataclasses.dataclass(frozen=True)
class KeptState:
    """A state of the manifest in the graph.

    Attributes:
      name, reset_value: from the manifest.
      source, sink: tensor indices of the state before and after a step.
    """

    name: str
    reset_value: int
    source: int
    sink: int


@dataclasses.dataclass(frozen=True)
class Ends:
    """Where a graph meets the world: tensor indices of features and scores, and the states."""

    features: int
    scores: int
    states: tuple[KeptState, ...]

    @classmethod
    def of(cls, bundle: Bundle, graph: Graph) -> "Ends":
        """The ends that a manifest names; they must be there (`passes.check_graph`)."""
        states = tuple(
            KeptState(s.name, s.reset_value, graph.inputs[s.input_index], graph.outputs[s.output_index])
            for s in bundle.states
        )
        return cls(graph.inputs[bundle.features.index], graph.outputs[bundle.scores.index], states)


@dataclasses.dataclass(frozen=True)
class SlidingRows:
    """The way of a state that is a sliding window: source -> CONCATENATION with new rows -> slice -> sink.

    Attributes:
      concat: the CONCATENATION; its output is `joined`.
      cut: the slice that makes the sink.
      fresh: tensor index of the new rows.
      rows, new_rows: rows kept and rows added in a step.
      row_bytes: bytes of a row.
    """

    concat: Op
    cut: Op
    fresh: int
    rows: int
    new_rows: int
    row_bytes: int

    @property
    def joined(self) -> int:
        """Tensor index of all rows of a step."""
        return self.concat.outputs[0]


@dataclasses.dataclass(frozen=True)
class View:
    """A tensor whose bytes are those of another one, from `offset` on.

    Attributes:
      of: tensor index.
      offset: elements, of the type of both.
    """

    of: int
    offset: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Module:
    """A model on its way to a program. Each pass returns a new one; nobody changes what a pass was given.

    Attributes:
      options: of the generator.
      graph: operators in the order of execution; passes drop and change them.
      features, scores: tensor indices of the model's ends.
      states: in the manifest's order.
      sliding: states that are sliding windows, by position.
      summed: those of them that are only averaged whole: running sums serve.
      views: tensors that are bytes of others.
      folded: operators (`Op.index`) whose input's zero point goes into the bias.
      packed: operators whose 4-bit weights stay packed in flash.
      places: where tensors lie that have a place of their own; all others get scratch values when they are written.
      buffers: how each state is kept.
      program: kernel calls; None before they were made.
      plan: scratch memory of the program; None before it was made.
    """

    options: Options
    graph: Graph
    features: int
    scores: int
    states: tuple[KeptState, ...]
    sliding: Mapping[int, SlidingRows] = dataclasses.field(default_factory=dict)
    summed: frozenset[int] = frozenset()
    views: Mapping[int, View] = dataclasses.field(default_factory=dict)
    folded: frozenset[int] = frozenset()
    packed: frozenset[int] = frozenset()
    places: Mapping[int, Place] = dataclasses.field(default_factory=dict)
    buffers: tuple[StateBuffer, ...] = ()
    program: Program | None = None
    plan: Plan | None = None

    @classmethod
    def of(cls, graph: Graph, ends: Ends, options: Options) -> "Module":
        """A model as it was read."""
        return cls(options=options, graph=graph, features=ends.features, scores=ends.scores, states=ends.states)

    def replace(self, **changes: object) -> "Module":
        """This module with other values of some attributes."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def with_ops(self, ops: list[Op]) -> "Module":
        """This module with other operators."""
        kinds = tuple(sorted({op.kind for op in ops}))
        return self.replace(graph=dataclasses.replace(self.graph, ops=tuple(ops), op_kinds=kinds))

    def root(self, tensor: int) -> tuple[int, int]:
        """The tensor whose memory `tensor` views, and from which element on."""
        offset = 0
        while tensor in self.views:
            view = self.views[tensor]
            tensor, offset = view.of, offset + view.offset
        return tensor, offset

    def is_end(self, tensor: int) -> bool:
        """Whether a tensor leaves the model: scores, or a state."""
        return tensor == self.scores or any(tensor == state.sink for state in self.states)
