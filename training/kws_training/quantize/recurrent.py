"""GRU, LSTM and SimpleRNN of integers: matrices, sums, products and tables that train as they run on the device.

What the input gives to the gates is computed for all frames at once; what the last output gives to them, and the rest,
frame by frame, in training by a loop. States are int8, as in the exported step: what is less than a step of their range
is lost at each frame, and training learns to live with that.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kws_training.quantize.elementwise import FIXED, Function, Multiply, Subtract
from kws_training.quantize.flatbuffer import Builder, TensorId
from kws_training.quantize.layers import Add, Dense, Pointwise, Quantized, Shape
from kws_training.quantize.precision import Precision
from kws_training.quantize.ranges import ActivationRange, FixedRange
from kws_training.streaming import StateSpec
from kws_training.streaming.layer import States, Streaming
from kws_training.streaming.taps import Taps

Range = ActivationRange | FixedRange
Run = Callable[[Any, Any], Any]
"""Runs a part on a tensor or two: in training, or as an operation of a ``.tflite``."""


def why_not(cell: Any) -> str:
    """What a GRU, LSTM or SimpleRNN of Keras has that none of integers here has; empty: nothing."""
    if cell.activation is not keras.activations.tanh:
        return "it must have its activation, tanh"
    if getattr(cell, "recurrent_activation", keras.activations.sigmoid) is not keras.activations.sigmoid:
        return "it must have its recurrent_activation, sigmoid"
    if getattr(cell, "reset_after", True) is not True:
        return "it must reset after the product, as is Keras's default: reset_after=True"
    if cell.dropout or cell.recurrent_dropout:
        return "it drops inputs or states while it learns: put a Dropout before it"
    return ""


class Recurrent(Streaming, Quantized):
    """A GRU, an LSTM or a SimpleRNN.

    Args:
      cell: Keras's layer, whose weights it takes.
      channels: of the input.
      precision: the input's matrices have its `pointwise_bits`, those of the last output its `dense_bits`.
      inputs: range.
      name: of the layer, and the beginning of its parts' names.
    """

    def __init__(self, cell: Any, channels: int, precision: Precision, inputs: Range, name: str):
        super().__init__(name=name)
        self.precision, self.inputs, self.channels, self.units = precision, inputs, channels, cell.units
        self.ends_time = not cell.return_sequences
        self.outputs: Range = FixedRange(*FIXED["TANH"])  # within -1 and 1
        self.supports_jit = False
        self.of_input: list[Pointwise] = []
        self.of_state: list[Dense] = []
        self.parts: list[Any] = []
        self._places: dict[str, int] = {}
        self._kind = _KINDS[type(cell)](self)
        self._take_weights(cell.cell)

    # What it is made of

    def add_gate(self, name: str, kind: str, *, is_reset: bool = False) -> None:
        """The matrices of a gate, the sum of what they give, and its function.

        Args:
          kind: of TensorFlow Lite's operator.
          is_reset: another gate is multiplied with what the last output gives.
        """
        given, kept = self._range(f"{name}_input"), self._range(f"{name}_state")
        arguments = self.channels, self.units, self.precision, self.inputs, given
        self.of_input.append(Pointwise(*arguments, relu=False, name=f"{self.name}_{name}_input"))
        arguments = self.units, self.units, self.precision, self.outputs, kept
        self.of_state.append(Dense(*arguments, f"{self.name}_{name}_state", hidden=True))
        if is_reset:
            kept = self.add_pair(f"{name}_reset", Multiply, FixedRange(*FIXED["LOGISTIC"]), kept)
        total = self.add_pair(f"{name}_sum", Add, given, kept, relu=False)
        self.add_function(name, kind, total)

    def add_pair(
        self, name: str, kind: type, first: Range, second: Range, outputs: Range | None = None, **about: Any
    ) -> Range:
        """A sum, difference or product of two tensors. Returns its range: a new one unless it is given."""
        outputs = outputs or self._range(name)
        self._add(name, kind(self.precision, (first, second), outputs, f"{self.name}_{name}", **about))
        return outputs

    def add_function(self, name: str, kind: str, inputs: Range) -> None:
        """A function whose results have the range that TensorFlow Lite gives them."""
        outputs = FixedRange(*FIXED[kind])
        self._add(name, Function(kind, self.precision, inputs, outputs, f"{self.name}_{name}"))

    def gate(self, run: Run, place: int, name: str, given: Sequence[Any], last: Any, reset: Any = None) -> Any:
        """Runs a gate. Args: place: of `add_gate`'s calls. given: by all gates' inputs. last: output."""
        kept = run(self.of_state[place], last)
        if reset is not None:
            kept = run(self.part(f"{name}_reset"), [reset, kept])
        return run(self.part(name), run(self.part(f"{name}_sum"), [given[place], kept]))

    def part(self, name: str) -> Any:
        """One that was added."""
        return self.parts[self._places[name]]

    def _add(self, name: str, part: Any) -> None:
        self._places[name] = len(self.parts)
        self.parts.append(part)

    def _range(self, name: str) -> ActivationRange:
        return ActivationRange(self.precision.learned, f"{self.name}_{name}_range")

    def _take_weights(self, cell: Any) -> None:
        count = len(self.of_input)
        kernels, kept = (np.split(np.asarray(each), count, -1) for each in (cell.kernel, cell.recurrent_kernel))
        known = np.zeros(count * self.units) if cell.bias is None else np.asarray(cell.bias)
        biases = [np.split(row, count) for row in np.atleast_2d(known)]
        for place in range(count):
            self.of_input[place].kernel.assign(kernels[place])
            self.of_input[place].bias.assign(biases[0][place])
            self.of_state[place].kernel.assign(kept[place])
            if len(biases) > 1:  # of a GRU
                self.of_state[place].bias.assign(biases[1][place])

    # Training

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        given = [tf.transpose(part.call(inputs), (1, 0, 2)) for part in self.of_input]
        nothing = tf.zeros((tf.shape(inputs)[0], self.units))
        begin = [nothing for _ in self._kind.states]
        run = self._run()
        outputs = tf.scan(lambda states, frame: self._kind.step(run, frame, states), given, begin)[0]
        return outputs[-1] if self.ends_time else tf.transpose(outputs, (1, 0, 2))

    def _run(self) -> Run:
        """Runs parts on tensors; the tables of functions are made once, not for each frame."""
        tables = {id(part): part.table() for part in self.parts if isinstance(part, Function)}
        return lambda part, x: part.of(x, tables[id(part)]) if id(part) in tables else part.call(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.units) if self.ends_time else (*input_shape[:2], self.units)

    # Streaming

    def state_specs(self, input_shape: Shape, frames: int, delay: int = 0) -> dict[str, StateSpec]:
        return {name: StateSpec((self.units,)) for name in self._kind.states}

    def stream_inference(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        given, run = [part.call(inputs) for part in self.of_input], self._run()
        values, outputs = list(states.values()), []
        for frame in range(inputs.shape[1]):
            values = self._kind.step(run, [rows[:, frame] for rows in given], values)
            outputs.append(values[0])
        new = dict(zip(states, values, strict=True))
        return (outputs[-1] if self.ends_time else tf.stack(outputs, 1)), new

    def taps(self, frames: int, delay: int) -> Taps:
        ends = [frames - 1] if self.ends_time else range(frames)
        return [range(end + 1 - frames, end + 1) for end in ends]  # and earlier ones

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        given = [part.emit(builder, inputs, frames) for part in self.of_input]
        ranges = self.outputs, self._kind.memory
        names = [f"{self.name}_{name}" for name in self._kind.states]
        shape, outputs = (1, self.units), []
        values = [builder.state(name, shape, values) for name, values in zip(names, ranges, strict=False)]
        for frame in range(frames):
            rows = [
                builder.frame(f"{part.name}/{frame}", tensor, frame, part.outputs)
                for part, tensor in zip(self.of_input, given, strict=True)
            ]
            values = self._kind.step(lambda part, x: part.emit(builder, x, 1), rows, values)
            outputs.append(values[0])
        for name, value in zip(names, values, strict=True):
            builder.keep(name, value)
        if self.ends_time:
            return outputs[-1]
        shape = (1, 1, 1, self.units)
        rows = [builder.reshape(f"{self.name}/{frame}", row, shape, self.outputs) for frame, row in enumerate(outputs)]
        return builder.beside(self.name, rows, self.outputs)


class _GRU:
    """Keras's, with the gates in its order. It adds a share of the difference: two products would round twice."""

    states = ("h",)
    memory = None

    def __init__(self, owner: Recurrent):
        self._owner = owner
        owner.add_gate("update", "LOGISTIC")
        owner.add_gate("reset", "LOGISTIC")
        owner.add_gate("new", "TANH", is_reset=True)
        one = owner.outputs
        change = owner.add_pair("change", Subtract, one, one)
        kept = owner.add_pair("kept", Multiply, FixedRange(*FIXED["LOGISTIC"]), change)
        owner.add_pair("output", Add, one, kept, one, relu=False)

    def step(self, run: Run, given: Sequence[Any], states: Sequence[Any]) -> list[Any]:
        """One frame: what the input gives the gates, and the states. Returns the new ones; the first is the output."""
        owner, (last,) = self._owner, states
        update = owner.gate(run, 0, "update", given, last)
        reset = owner.gate(run, 1, "reset", given, last)
        new = owner.gate(run, 2, "new", given, last, reset)
        change = run(owner.part("change"), [last, new])
        return [run(owner.part("output"), [new, run(owner.part("kept"), [update, change])])]


class _LSTM:
    """Keras's, with the gates in its order."""

    states = ("h", "c")

    def __init__(self, owner: Recurrent):
        self._owner = owner
        for name, kind in (("into", "LOGISTIC"), ("keep", "LOGISTIC"), ("new", "TANH"), ("out", "LOGISTIC")):
            owner.add_gate(name, kind)
        share, one = FixedRange(*FIXED["LOGISTIC"]), owner.outputs
        self.memory = ActivationRange(owner.precision.learned, f"{owner.name}_memory_range")
        kept = owner.add_pair("kept", Multiply, share, self.memory)
        taken = owner.add_pair("taken", Multiply, share, one)
        owner.add_pair("memory", Add, kept, taken, self.memory, relu=False)
        owner.add_function("remembered", "TANH", self.memory)
        owner.add_pair("output", Multiply, share, one, one)

    def step(self, run: Run, given: Sequence[Any], states: Sequence[Any]) -> list[Any]:
        """As of a GRU."""
        owner, (last, memory) = self._owner, states
        gates = (owner.gate(run, place, name, given, last) for place, name in enumerate(("into", "keep", "new", "out")))
        into, keep, new, out = gates
        parts = [run(owner.part("kept"), [keep, memory]), run(owner.part("taken"), [into, new])]
        memory = run(owner.part("memory"), parts)
        return [run(owner.part("output"), [out, run(owner.part("remembered"), memory)]), memory]


class _SimpleRNN:
    """Keras's."""

    states = ("h",)
    memory = None

    def __init__(self, owner: Recurrent):
        self._owner = owner
        owner.add_gate("output", "TANH")

    def step(self, run: Run, given: Sequence[Any], states: Sequence[Any]) -> list[Any]:
        """As of a GRU."""
        return [self._owner.gate(run, 0, "output", given, states[0])]


_KINDS: dict[type, Any] = {layers.GRU: _GRU, layers.LSTM: _LSTM, layers.SimpleRNN: _SimpleRNN}
