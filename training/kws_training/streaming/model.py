"""The streaming model: a few frames and the states in, outputs and the new states out."""

import dataclasses
import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kws_training.streaming.layer import Context, States, StateSpec
from kws_training.streaming.lowering import Memoryless, Operation, Value
from kws_training.streaming.taps import newest
from kws_training.streaming.timing import Timing

VALID = "valid"


@dataclasses.dataclass(eq=False)
class Node:
    """One operation of a streaming model.

    Attributes:
      name, kind: of the layer; a `Stream` names its cell too.
      inputs, output: numbers of values; 0 is the model's input.
      shape: of the training model's output.
      timing: of the output.
      ended: the output has one row for each step instead of frames.
      before: timing of the input.
      masks: frames outside the clip must reach it as zeros.
      specs: states by their names in the model.
      parameters: including what was folded in.
    """

    name: str
    kind: str
    operation: Operation
    inputs: tuple[int, ...]
    output: int
    shape: tuple[int | None, ...]
    timing: Timing
    ended: bool
    before: Timing
    masks: bool
    specs: dict[str, StateSpec]
    parameters: int


@dataclasses.dataclass(frozen=True)
class Row:
    """What `kws-train describe` prints of a layer; all counts are of one step.

    Attributes:
      output: shape of the output in a step.
      receptive_frames: model input frames that an output depends on.
      delay_frames: model input frames by which the output lags.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    macs: int
    states: dict[str, tuple[int, ...]]
    receptive_frames: int
    delay_frames: int


class StreamingModel(tf.Module):
    """Made by `to_streaming`. Calling it makes one step (or several at once, if more frames are given).

    Attributes:
      input_shape: of the training model: ``(None, time or None, ...)``.
      frames_per_step: input frames of a step.
      state_specs: shape and initial value of each state, in the order of inputs and outputs.
      nodes: its operations, in the order of computation.
      needs_valid: a layer looks ahead, so that the model must be told which frames are in the clip: `__call__` takes a
        third argument and `concrete_function` one more input, ``valid``.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int | None, ...],
        frames: int,
        nodes: list[Node],
        outputs: list[int],
    ):
        super().__init__(name=f"{model.name}_streaming")
        self._weights = [weight.value for weight in model.weights]  # a converter asks who owns what a function reads
        self.input_shape, self.frames_per_step, self.nodes, self._outputs = input_shape, frames, nodes, outputs
        self.state_specs: dict[str, StateSpec] = {}
        for node in nodes:
            self.state_specs.update(node.specs)
        masking = [node.timing if node.operation.needs_history else node.before for node in nodes if node.masks]
        self.needs_valid = bool(masking)
        self._history = max((timing.history for timing in masking), default=0)
        if self._history:
            self.state_specs[VALID] = StateSpec((self._history,))
        self._made_by = {node.output: node for node in nodes}
        structure = getattr(model, "output", None)
        self._keys = (
            tuple(sorted(structure)) if isinstance(structure, dict) else ()
        )  # the order in which Keras flattens
        # Not rewritten by AutoGraph: loops over frames are Python's, and errors keep their lines.
        self._compiled = tf.function(self._step, autograph=False)

    @property
    def output_count(self) -> int:
        """Outputs besides the states."""
        return len(self._outputs)

    @property
    def delay_frames(self) -> int:
        """Input frames by which the outputs lag behind the clip; whole steps where time has ended."""
        return max((self._delay(number) for number in self._outputs), default=0)

    @functools.cached_property
    def unheard_frames(self) -> int:
        """Newest input frames of those that the outputs of a step stand for which these do not depend on.

        0 unless a layer leaves the newest frames of its strides out.
        """
        step, heard = self.frames_per_step, {0: [float(frame) for frame in range(self.frames_per_step)]}
        for node in self.nodes:
            before = [max(rows) for rows in zip(*(heard[number] for number in node.inputs), strict=True)]
            heard[node.output] = newest(before, node.operation.taps, step)
        late = [0]
        for number in self._outputs:
            last = max(heard[number])
            if last > -np.inf:
                late.append(step - 1 - int(last) - self._delay(number))
        return max(late)

    def latency_ms(self, hop_ms: float = 10.0) -> float:
        """Algorithmic latency in milliseconds: how long a sound waits until an output of its own has heard it.

        The step, since a step's first frame waits for its last; the delay of layers that look ahead; and the newest
        frames that nothing hears before the next step comes (`unheard_frames`).
        """
        return (self.frames_per_step + self.delay_frames + self.unheard_frames) * hop_ms

    def _delay(self, number: int) -> int:
        timing = self._timing(number)
        frames = timing.delay * timing.period
        if number and self._made_by[number].ended:  # the row of a step of the clip comes with a whole step
            return int(np.ceil(frames / self.frames_per_step)) * self.frames_per_step
        return int(np.ceil(frames))

    def _timing(self, number: int) -> Timing:
        return self._made_by[number].timing if number else Timing()

    def initial_states(self, batch: int = 1) -> dict[str, np.ndarray]:
        """Float32 arrays ``[batch, *shape]`` for the first step: silence before the recording."""
        return {
            name: np.full((batch, *spec.shape), spec.initial, np.float32) for name, spec in self.state_specs.items()
        }

    def __call__(
        self, features: Any, states: Mapping[str, Any], valid: Any = None
    ) -> tuple[tf.Tensor | list[tf.Tensor], dict[str, tf.Tensor]]:
        """One step of one stream, or of several side by side.

        Args:
          features: float ``[batch, frames_per_step, ...]`` as the training model takes it. Several steps at once:
            a multiple of so many frames; outputs of a model that ends time are then rows of the batch axis.
          states: by name.
          valid: ``[batch, frames]``, 1 for frames of the clip, 0 for those before or behind it. Default: all 1.

        Returns:
          The outputs of these frames (a list or a dictionary when the training model has several), and the new states.
        """
        features = tf.convert_to_tensor(features, tf.float32)
        self._check(features)
        if features.shape[1] % self.frames_per_step:
            raise ValueError(f"a step takes {self.frames_per_step} frames. Received: {features.shape[1]}")
        if set(states) != set(self.state_specs):
            raise ValueError(f"states must be {sorted(self.state_specs)}. Received: {sorted(states)}")
        values = [tf.convert_to_tensor(states[name], tf.float32) for name in self.state_specs]
        for name, value in zip(self.state_specs, values, strict=True):
            if tuple(value.shape) != (wanted := (features.shape[0], *self.state_specs[name].shape)):
                raise ValueError(f"state {name} must be {wanted}. Received: {tuple(value.shape)}")
        if self.needs_valid:
            valid = tf.ones(features.shape[:2]) if valid is None else tf.cast(valid, tf.float32)
        else:
            valid = None
        outputs, new = self._run(features, valid, dict(zip(self.state_specs, values, strict=True)))
        return self._packed(outputs), new

    def _packed(self, outputs: list[Any]) -> Any:
        if self._keys:
            return dict(zip(self._keys, outputs, strict=True))
        return outputs[0] if len(outputs) == 1 else outputs

    def _check(self, features: Any) -> None:
        wanted = ("batch", "frames", *self.input_shape[2:])
        shape = tuple(features.shape)
        if len(shape) != len(wanted) or shape[2:] != tuple(wanted[2:]) or not shape[1]:
            raise ValueError(f"features must be [{', '.join(map(str, wanted))}]. Received: {list(shape)}")

    def _run(
        self, features: tf.Tensor, valid: tf.Tensor | None, states: dict[str, tf.Tensor]
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        steps = features.shape[1] // self.frames_per_step
        values = {0: Value(features, len(self.input_shape))}
        new = dict(states)
        rows = valid
        if self._history:
            rows = tf.concat([states[VALID], valid], 1)
            new[VALID] = rows[:, valid.shape[1] :]
        for node in self.nodes:
            flags = node.before.valid(rows, self._history) if node.masks else None
            mine = _nest(node.operation.specs, iter([states[name] for name in node.specs]))
            context = Context(node.before.delay, flags, node.before, rows if node.masks else None, self._history)
            inputs = [values[number] for number in node.inputs]
            if not isinstance(node.operation, Memoryless):
                inputs = [value.as_float32 for value in inputs]
            values[node.output], changed = node.operation.apply(inputs, mine, context, steps)
            new.update(zip(node.specs, _leaves(node.operation.specs, changed), strict=True))
        return [values[number].plain for number in self._outputs], new

    def _step(self, features: tf.Tensor, valid: tf.Tensor | None, *states: tf.Tensor) -> tuple[list[tf.Tensor], list]:
        outputs, new = self._run(features, valid, dict(zip(self.state_specs, states, strict=True)))
        return outputs, [new[name] for name in self.state_specs]

    def stream(self, clips: Any) -> np.ndarray | list[np.ndarray]:
        """Streams whole clips from the initial states, and as many zeros behind them as the model lags.

        Args:
          clips: float ``[batch, time, ...]``; time is a multiple of `frames_per_step`.

        Returns:
          What the training model gives for these clips: outputs ``[batch, time, ...]``, frame for frame, or, of a model
          that ends time, the row of the clip's last step.
        """
        clips = np.asarray(clips, np.float32)
        self._check(clips)
        step, length = self.frames_per_step, clips.shape[1]
        if length % step:
            raise ValueError(f"clips must be whole steps of {step} frames. Received: {length} frames")
        behind = -(-self.delay_frames // step) * step
        padded = np.pad(clips, [(0, 0), (0, behind), *[(0, 0)] * (clips.ndim - 2)])
        flags = np.pad(np.ones(clips.shape[:2], np.float32), [(0, 0), (0, behind)])
        states = [tf.constant(value) for value in self.initial_states(len(clips)).values()]
        collected = []
        for start in range(0, padded.shape[1], step):
            valid = tf.constant(flags[:, start : start + step]) if self.needs_valid else None
            outputs, states = self._compiled(tf.constant(padded[:, start : start + step]), valid, *states)
            collected.append([output.numpy() for output in outputs])
        return self.aligned(collected, length)

    def aligned(self, collected: list[list[np.ndarray]], length: int) -> np.ndarray | list[np.ndarray]:
        """What `stream` returns, from the outputs of each step.

        Args:
          collected: for each step the arrays ``[batch, ...]`` of all outputs; first come the steps of the clip, and
            behind them there are as many as it takes to see `delay_frames` more frames.
          length: frames of the clip.
        """
        results = [
            self._aligned(number, [outputs[position] for outputs in collected], length)
            for position, number in enumerate(self._outputs)
        ]
        return self._packed(results)

    def _aligned(self, number: int, outputs: list[np.ndarray], length: int) -> np.ndarray:
        timing = self._timing(number)
        if number and self._made_by[number].ended:
            late = -(-self._delay(number) // self.frames_per_step)
            return outputs[length // self.frames_per_step - 1 + late]
        count = int(np.ceil(length / timing.period))
        return np.concatenate(outputs, 1)[:, timing.delay : timing.delay + count]

    # Export

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Of the exported model's input, one stream: ``(1, frames, 1 or bins, channels)``."""
        rest = self.input_shape[2:]
        return (1, self.frames_per_step, *((1, *rest) if len(rest) == 1 else rest))

    def concrete_function(self, steps: int = 1):
        """The function that is exported, for one stream.

        Inputs: ``features`` (see `feature_shape`), ``valid`` if the model needs it, and ``<state>_in`` for each state;
        outputs: the model's outputs and then the new states in the same order.

        Args:
          steps: steps of one call; with several, every step's outputs come out.
        """
        batch, frames, *rest = self.feature_shape
        specs = [tf.TensorSpec((batch, frames * steps, *rest), tf.float32, name="features")]
        if self.needs_valid:
            specs.append(tf.TensorSpec((batch, frames * steps), tf.float32, name=VALID))
        specs += [tf.TensorSpec((1, *s.shape), tf.float32, name=f"{n}_in") for n, s in self.state_specs.items()]

        def step(features: tf.Tensor, *others: tf.Tensor) -> tuple[tf.Tensor, ...]:
            valid, states = (others[0], others[1:]) if self.needs_valid else (None, others)
            outputs, new = self._step(features, valid, *states)
            return (*outputs, *new)

        return tf.function(step, autograph=False).get_concrete_function(*specs)

    # Description

    def rows(self) -> list[Row]:
        """One row for each operation, in the order of computation."""
        return [
            Row(
                node.name,
                node.kind,
                tuple(node.shape[1:]) if node.ended else (node.timing.frames(self.frames_per_step), *node.shape[2:]),
                node.parameters,
                node.operation.macs,
                {name: spec.shape for name, spec in node.specs.items()},
                int(np.ceil(node.timing.receptive)),
                int(np.ceil(Fraction(node.timing.delay) * node.timing.period)),
            )
            for node in self.nodes
        ]


def _nest(specs: dict[str, Any], leaves: Any) -> States:
    return {key: next(leaves) if isinstance(value, StateSpec) else _nest(value, leaves) for key, value in specs.items()}


def _leaves(specs: dict[str, Any], states: States) -> list[tf.Tensor]:
    found = []
    for key, value in specs.items():
        found += [states[key]] if isinstance(value, StateSpec) else _leaves(value, states.get(key, {}))
    return found
