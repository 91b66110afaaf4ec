"""`to_streaming`: walks a training model and builds the streaming model beside it."""

import dataclasses
import itertools
import re
from typing import Any

import keras
from keras import layers

from kws_training.streaming.arithmetic import check_arithmetic
from kws_training.streaming.delay import Delay
from kws_training.streaming.keras_graph import KerasGraph, Made, is_functional
from kws_training.streaming.layer import StateSpec, Streaming, after, refuse
from kws_training.streaming.lowering import Layer, Linear, Operation
from kws_training.streaming.model import VALID, Node, StreamingModel
from kws_training.streaming.patterns import STATE, Ring
from kws_training.streaming.rules import gain_and_offset, is_keras_own, lower
from kws_training.streaming.stream import Stream
from kws_training.streaming.timing import Timing


def to_streaming(model: keras.Model, frames_per_step: int) -> StreamingModel:
    """Builds the streaming model of a trained model, which stays as it is.

    A functional or sequential model is walked from its outputs: `Stream` and other streaming layers bring their states,
    layers that work frame by frame run as they are, batch normalisation is folded into the convolution before it. A
    model with a `stream_inference` of its own (`Streaming`) is taken whole.

    Args:
      model: one input ``[batch, time, ...]``; it must have been built. Its weights are copied where they are folded.
      frames_per_step: input frames of a step.

    Returns:
      The streaming model; its states have the names of the layers that own them.

    Raises:
      CannotStream: a layer, or two branches that lag by different times, cannot stream; the message says which and why.
    """
    if not isinstance(frames_per_step, int) or frames_per_step < 1:
        raise ValueError(f"frames_per_step must be an integer of at least 1. Received: {frames_per_step!r}")
    check_arithmetic(model)
    if isinstance(model, Streaming):
        return _whole(model, frames_per_step)
    if not is_functional(model):
        refuse(
            model,
            "it is neither a functional model nor one with a stream_inference of its own: build it from keras.Input, "
            "or write class Net(Streaming, keras.Model)",
        )
    if not model.built or len(model.inputs) != 1:
        received = f"{len(model.inputs)} inputs" if model.built else "a model without shapes; call it on a clip first"
        refuse(model, f"it must be built and have one input. Received: {received}")
    return _Walker(KerasGraph(model), frames_per_step).result()


def _whole(model: Any, frames: int) -> StreamingModel:
    if not model.built:
        refuse(model, "it was never called: call it on a clip first")
    shape = tuple(model.get_build_config()["input_shape"])
    timing = after(Timing(), model)
    rank = model.compute_output_spec(keras.KerasTensor((1, *shape[1:]))).shape
    operation = Layer(model, shape, frames, 0, len(rank))
    node = Node(
        model.name,
        type(model).__name__,
        operation,
        (0,),
        1,
        tuple(rank),
        timing,
        model.ends_time,
        Timing(),
        operation.needs_history,
        flatten_specs(operation.specs, ""),
        model.count_params(),
    )
    return StreamingModel(model, shape, frames, [node], [1])


def flatten_specs(specs: dict[str, Any], owner: str) -> dict[str, StateSpec]:
    """Nested specifications as one dictionary; names are joined with ``_``, ``"state"`` takes its owner's name."""
    flat = {}
    for key, value in specs.items():
        name = (owner or STATE) if key == STATE else f"{owner}_{key}" if owner else key
        if isinstance(value, StateSpec):
            flat[name] = value
        else:
            flat.update(flatten_specs(value, name))
    return flat


class _Walker:
    """Numbers the tensors of a graph and keeps, for each, the node that makes it; 0 is the model's input."""

    def __init__(self, graph: KerasGraph, frames: int):
        self._graph, self._frames = graph, frames
        self._nodes: list[Node] = []
        self._made_by: dict[int, Node] = {}
        self._number: dict[tuple[int, int], int] = {}
        self._names = {made.name for made in graph.calls if made.operation is not None}
        self._taken, self._states = set(), {VALID}

    def result(self) -> StreamingModel:
        for made in self._graph.calls:
            self._number[made.key] = self._visit(made) if made.operation is not None else 0
        outputs = [self._number[key] for key in self._graph.outputs]
        self._fold_one_taps(outputs)
        return StreamingModel(self._graph.model, self._graph.input_shape, self._frames, self._nodes, outputs)

    def _visit(self, made: Made) -> int:
        layer = made.operation
        if not made.sources:
            refuse(layer, "it has no input")
        for tensor in (*made.call.input_tensors, made.tensor):
            if "float" in (dtype := keras.backend.standardize_dtype(tensor.dtype)) and dtype != "float32":
                refuse(layer, f"it computes in {dtype}, a stream in float32: give it float32")
        numbers = [self._number[key] for key in made.sources]
        timing, ended = self._merge(layer, numbers)
        if isinstance(layer, layers.BatchNormalization) and is_keras_own(layer) and self._fold_norm(made, numbers[0]):
            return numbers[0]
        frames = timing.frames(self._frames)
        if isinstance(layer, Streaming):
            if ended:
                refuse(layer, "time has ended before it: put it before the layer that ends time")
            if frames < 1 or timing.period * frames != self._frames:
                refuse(layer, f"a frame of its input lasts {timing.period} frames, a step {self._frames}")
        operation = lower(made, frames, timing.delay, ended)
        name = self._unique(made.name)
        node = Node(
            name,
            type(layer).__name__ + (f"({type(layer.cell).__name__})" if isinstance(layer, Stream) else ""),
            operation,
            tuple(numbers),
            len(self._number),
            tuple(made.tensor.shape),
            after(timing, layer) if isinstance(layer, Streaming) else timing,
            ended or (isinstance(layer, Streaming) and layer.ends_time),
            timing,
            _masks(layer, operation, timing, numbers),
            self._own_states(layer, flatten_specs(operation.specs, name)),
            layer.count_params() if isinstance(layer, layers.Layer) else 0,
        )
        self._nodes.append(node)
        self._made_by[node.output] = node
        return node.output

    def _unique(self, name: str) -> str:
        """Another name for the second call of a layer, so that it has states of its own."""
        if name in self._taken:
            name = next(f"{name}_{n}" for n in itertools.count(1) if f"{name}_{n}" not in self._names | self._taken)
        self._taken.add(name)
        return name

    def _own_states(self, layer: Any, specs: dict[str, StateSpec]) -> dict[str, StateSpec]:
        for name in specs:
            if name in self._states:
                refuse(layer, f"another state is called {name} too: give the layer another name")
            if not re.fullmatch(r"[A-Za-z0-9.][\w.-]*", name, re.ASCII):
                refuse(layer, f"its state {name!r} would lose its name in a .tflite: use letters, digits, _ . - only")
            self._states.add(name)
        return specs

    def _merge(self, layer: Any, numbers: list[int]) -> tuple[Timing, bool]:
        """The timing that the inputs of a layer share, and whether time has ended."""
        nodes = [self._made_by.get(number) for number in numbers]
        names = [node.name if node else "the input" for node in nodes]
        timings = [node.timing if node else Timing() for node in nodes]
        ended = {node.ended if node else False for node in nodes}
        if len(ended) > 1:
            refuse(
                layer,
                "time has ended in "
                + ", ".join(name for name, node in zip(names, nodes, strict=True) if node and node.ended)
                + " but not in its other inputs: end it in all or in none (a mean that goes beside frames is "
                "Stream(AveragePooling1D(n, strides=1)))",
            )
        first = timings[0]
        for timing, name in zip(timings, names, strict=True):
            if True in ended:
                if -(-timing.history // self._frames) != -(-first.history // self._frames):
                    refuse(layer, f"{names[0]} and {name} end with different steps: put a Delay before the earlier one")
            elif timing.period != first.period:
                rates = f"a frame of {names[0]} lasts {first.period} input frames, one of {name} {timing.period}"
                refuse(layer, f"{rates}: make their strides and upsampling equal")
            elif timing.delay != first.delay:
                late, early = (names[0], name) if first.delay > timing.delay else (name, names[0])
                missing = abs(first.delay - timing.delay)
                refuse(layer, f"{late} lags {missing} frames behind {early}: put Delay({missing}) behind {early}")
        return dataclasses.replace(first, receptive=max(timing.receptive for timing in timings)), True in ended

    def _fold_norm(self, made: Made, number: int) -> bool:
        norm, rank = made.operation, len(made.tensor.shape)
        if norm.axis % rank != rank - 1:
            refuse(norm, "it must normalise the last axis")
        node = self._made_by.get(number)
        linear = node.operation if node else None
        if not isinstance(linear, Linear) or linear.activation or self._graph.uses(made.sources[0]) > 1:
            return False
        linear.fold_scale(*gain_and_offset(norm))
        node.parameters += norm.count_params()
        return True

    def _fold_one_taps(self, outputs: list[int]) -> None:
        """Depthwise convolutions of one tap go into the pointwise ones behind them."""
        taken = [*outputs, *(number for node in self._nodes for number in node.inputs)]
        for node in list(self._nodes):
            linear, before = node.operation, self._made_by.get(node.inputs[0])
            if (
                isinstance(linear, Linear)
                and not linear.depthwise
                and linear.kernel.shape[:2] == (1, 1)
                and before is not None
                and isinstance(before.operation, Linear)
                and before.operation.is_one_tap
                and taken.count(before.output) == 1
            ):
                linear.fold_one_tap(before.operation)
                node.inputs, node.parameters = before.inputs, node.parameters + before.parameters
                self._nodes.remove(before)


def _masks(layer: Any, operation: Operation, timing: Timing, numbers: list[int]) -> bool:
    """Whether frames outside the clip must reach a layer as zeros, since it keeps them or looks ahead at them."""
    if not isinstance(layer, Streaming) or isinstance(layer, Delay):
        return False
    ring = layer.pattern if isinstance(layer, Stream) and isinstance(layer.pattern, Ring) else None
    if not (ring.crosses if ring else operation.specs):
        return False
    looks_ahead = layer.lookahead > 0 or (isinstance(layer, Stream) and layer.crop > 0)
    return timing.delay > 0 or (looks_ahead and (numbers != [0] or operation.needs_history))
