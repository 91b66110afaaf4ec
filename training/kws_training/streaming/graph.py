"""`to_streaming`: walks a training model and builds the streaming model beside it."""

import dataclasses
import functools
import operator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.src.models.functional import Functional  # Keras has no public name for what Model(inputs, outputs) returns

from kws_training.streaming.layer import StateSpec, Streaming, refuse
from kws_training.streaming.lowering import Classifier, Layer, Linear, Memoryless, Operation, Scale, WindowMean
from kws_training.streaming.macs import count_macs
from kws_training.streaming.model import Node, StreamingModel
from kws_training.streaming.patterns import STATE, Ring, Window, pattern_for
from kws_training.streaming.stream import Stream
from kws_training.streaming.timing import Timing

_IDENTITIES = (
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
)
_ELEMENTWISE = (
    layers.Activation,
    layers.Add,
    layers.Average,
    layers.ELU,
    layers.LeakyReLU,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.ReLU,
    layers.Rescaling,
    layers.Subtract,
)
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_ELEMENTWISE_FUNCTIONS = (
    *("Absolute", "Add", "Clip", "Divide", "Elu", "Exp", "Expm1", "Gelu", "HardSigmoid", "HardSilu", "HardTanh"),
    *("LeakyRelu", "Log", "Log1p", "Maximum", "Minimum", "Multiply", "Negative", "Power", "Relu", "Relu6", "Rsqrt"),
    *("Selu", "Sigmoid", "Silu", "Softplus", "Softsign", "Sqrt", "Square", "Subtract", "Tanh", "TrueDivide"),
)


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
    if frames_per_step < 1:
        raise ValueError(f"frames_per_step must be at least 1. Received: {frames_per_step}")
    if isinstance(model, Streaming):
        return _whole(model, frames_per_step)
    if isinstance(model, layers.Bidirectional) or not isinstance(model, Functional | keras.Sequential):
        refuse(model, "it is neither a functional model nor one with a stream_inference of its own")
    if not model.built or len(model.inputs) != 1:
        refuse(model, f"it must be built and have one input. Received: {len(model.inputs) if model.built else 'none'}")
    return _Walker(model, frames_per_step).result()


def _whole(model: Any, frames: int) -> StreamingModel:
    if not model.built:
        refuse(model, "it was never called: call it on a clip first")
    shape = tuple(model.get_build_config()["input_shape"])
    timing = _after(Timing(), model)
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
        False,
        flatten_specs(operation.specs, ""),
        model.count_params(),
    )
    return StreamingModel(model.name, shape, frames, [node], [1])


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


def _after(timing: Timing, layer: Streaming) -> Timing:
    return timing.after(
        stride=layer.stride,
        upsampling=layer.upsampling,
        lookahead=layer.lookahead,
        crop=layer.crop if isinstance(layer, Stream) else 0,
        extra_delay=layer.extra_delay,
        context_frames=layer.context_frames,
    )


@dataclasses.dataclass(eq=False)
class _Scope:
    """Where a tensor is: in the model, or in a model that is a layer of it."""

    outer: "_Scope | None" = None
    call: Any = None
    model: Any = None
    prefix: str = ""


class _Walker:
    def __init__(self, model: Functional, frames: int):
        self._model = model._functional if isinstance(model, keras.Sequential) else model
        self._frames = frames
        self._root, self._scopes = _Scope(model=self._model), {}
        self._nodes: list[Node] = []
        self._values = {}  # (scope, tensor) -> number of a value
        self._made_by: dict[int, Node | None] = {0: None}
        self._rank_of = {0: len(self._model.inputs[0].shape)}
        self._names: dict[str, int] = {}

    def result(self) -> StreamingModel:
        outputs = [self._resolve(self._root, tensor) for tensor in self._model.outputs]
        order = self._order(outputs)
        self._uses: dict[Any, int] = {}
        for item in (*outputs, *(source for node in order for source in self._sources(node))):
            self._uses[self._key(item)] = self._uses.get(self._key(item), 0) + 1
        for item in order:
            self._visit(*item)
        self._fold_one_taps([self._values[self._key(item)] for item in outputs])
        shape = tuple(self._model.inputs[0].shape)
        return StreamingModel(
            self._model.name, shape, self._frames, self._nodes, [self._values[self._key(item)] for item in outputs]
        )

    # The graph of Keras

    @staticmethod
    def _key(item: tuple[_Scope, Any]) -> tuple[int, int]:
        return id(item[0]), id(item[1])

    def _resolve(self, scope: _Scope, tensor: Any) -> tuple[_Scope, Any]:
        """Follows a tensor through the borders of nested models to the layer that makes it."""
        while True:
            history = tensor._keras_history
            if isinstance(history.operation, layers.InputLayer):
                if scope.outer is None:
                    return scope, tensor
                position = [id(item) for item in scope.model.inputs].index(id(tensor))
                scope, tensor = scope.outer, scope.call.input_tensors[position]
                continue
            call = history.operation._inbound_nodes[history.node_index]
            inner = history.operation
            if isinstance(inner, keras.Sequential):
                inner = inner._functional
            if not isinstance(inner, Functional):
                return scope, tensor
            position = [id(item) for item in call.outputs].index(id(tensor))
            key = (id(scope), id(call))
            if key not in self._scopes:
                prefix = f"{scope.prefix}{history.operation.name}_"
                self._scopes[key] = _Scope(scope, call, inner, prefix)
            scope, tensor = self._scopes[key], inner.outputs[position]

    def _sources(self, item: tuple[_Scope, Any]) -> list[tuple[_Scope, Any]]:
        scope, tensor = item
        history = tensor._keras_history
        if isinstance(history.operation, layers.InputLayer):
            return []
        call = history.operation._inbound_nodes[history.node_index]
        return [self._resolve(scope, source) for source in call.input_tensors]

    def _order(self, outputs: list[tuple[_Scope, Any]]) -> list[tuple[_Scope, Any]]:
        """Every tensor behind those it is made from; of an addition the first term first."""
        order, done, stack = [], set(), [(item, False) for item in reversed(outputs)]
        while stack:
            item, ready = stack.pop()
            key = self._key(item)
            if key in done:
                continue
            if ready:
                done.add(key)
                order.append(item)
                continue
            stack.append((item, True))
            stack += [(source, False) for source in reversed(self._sources(item))]
        return order

    # One layer after the other

    def _visit(self, scope: _Scope, tensor: Any) -> None:
        key = self._key((scope, tensor))
        history = tensor._keras_history
        operation = history.operation
        if isinstance(operation, layers.InputLayer):
            self._values[key] = 0
            return
        call = operation._inbound_nodes[history.node_index]
        if len(call.outputs) != 1:
            refuse(operation, f"it has {len(call.outputs)} outputs; split it into layers with one")
        sources = self._sources((scope, tensor))
        numbers = [self._values[self._key(source)] for source in sources]
        if not sources:
            refuse(operation, "it has no input")
        if isinstance(operation, _IDENTITIES):
            self._values[key] = numbers[0]
            return
        shape = tuple(tensor.shape)
        timing = self._merge(operation, numbers)
        ended = any(self._ended(number) for number in numbers)
        if isinstance(operation, layers.BatchNormalization):
            only = self._uses[self._key(sources[0])] == 1
            if self._fold_norm(operation, numbers[0], only, len(shape)):
                self._values[key] = numbers[0]
                return
        before = timing
        streaming = isinstance(operation, Streaming)
        made = self._lower(operation, call, tensor, timing, ended)
        if streaming:
            timing, ended = _after(timing, operation), ended or operation.ends_time
        self._add(key, scope, operation, made, numbers, shape, timing, ended, before)

    def _add(self, key, scope, operation, made: Operation, numbers, shape, timing, ended, before) -> None:
        name = f"{scope.prefix}{operation.name}"
        self._names[name] = self._names.get(name, -1) + 1
        if self._names[name]:
            name = f"{name}_{self._names[name]}"
        masks = False
        if isinstance(operation, Streaming) and not operation.extra_delay:
            looks_ahead = operation.lookahead > 0 or (isinstance(operation, Stream) and operation.crop > 0)
            masks = before.delay > 0 or (looks_ahead and numbers != [0])
        node = Node(
            name,
            self._kind(operation),
            made,
            tuple(numbers),
            len(self._made_by),
            shape,
            timing,
            ended,
            before,
            masks,
            flatten_specs(made.specs, name),
            operation.count_params() if isinstance(operation, layers.Layer) else 0,
        )
        self._nodes.append(node)
        self._made_by[node.output] = node
        self._rank_of[node.output] = len(shape)
        self._values[key] = node.output

    @staticmethod
    def _kind(operation: Any) -> str:
        kind = type(operation).__name__
        return f"{kind}({type(operation.cell).__name__})" if isinstance(operation, Stream) else kind

    def _timing(self, number: int) -> Timing:
        node = self._made_by[number]
        return node.timing if node else Timing()

    def _ended(self, number: int) -> bool:
        node = self._made_by[number]
        return node.ended if node else False

    def _merge(self, operation: Any, numbers: list[int]) -> Timing:
        timings = [self._timing(number) for number in numbers]
        names = [self._made_by[number].name if self._made_by[number] else "the input" for number in numbers]
        first = timings[0]
        if len({self._ended(number) for number in numbers}) > 1:
            refuse(operation, f"of its inputs {', '.join(names)} some have frames and some have none any more")
        for timing, name in zip(timings, names, strict=True):
            if timing.period != first.period:
                refuse(
                    operation,
                    f"a frame of {names[0]} is {first.period} input frames long, one of {name} is {timing.period}",
                )
            if self._ended(numbers[0]):
                if -(-timing.history // self._frames) != -(-first.history // self._frames):
                    refuse(operation, f"{names[0]} and {name} end with different steps")
            elif timing.delay != first.delay:
                late, early = (names[0], name) if first.delay > timing.delay else (name, names[0])
                missing = abs(first.delay - timing.delay)
                refuse(operation, f"{late} lags {missing} frames behind {early}: put Delay({missing}) behind {early}")
        return dataclasses.replace(
            first, lookahead=max(t.lookahead for t in timings), receptive=max(t.receptive for t in timings)
        )

    def _lower(self, operation: Any, call: Any, tensor: Any, timing: Timing, ended: bool) -> Operation:
        source = call.input_tensors[0]
        in_shape, rank = tuple(source.shape), len(tensor.shape)
        frames = timing.frames(self._frames)
        if isinstance(operation, Streaming):
            if ended:
                refuse(operation, "time has ended before it")
            if frames < 1 or timing.period * frames != self._frames:
                refuse(operation, f"a frame of its input lasts {timing.period} frames, a step {self._frames}")
            return self._lower_streaming(operation, in_shape, frames, timing.delay, rank)
        if isinstance(operation, layers.BatchNormalization):
            return Scale(*_gain_and_offset(operation), rank)
        if isinstance(operation, layers.Dense):
            if ended and rank == 2:
                return Classifier(operation)
            linear = Linear(operation, None, rank)
            rows = in_shape[1:-1] if ended else (frames, *in_shape[2:-1])
            linear.macs = linear.kernel.size * int(np.prod(rows))
            return linear
        if isinstance(operation, _CONVOLUTIONS) and not ended:
            return self._lower_bare_convolution(operation, in_shape, tensor, frames, rank)
        return self._lower_memoryless(operation, call, tensor, frames, ended)

    def _lower_streaming(self, layer: Streaming, shape, frames: int, delay: int, rank: int) -> Operation:
        pattern = layer.pattern if isinstance(layer, Stream) else None
        if (
            isinstance(pattern, Ring)
            and isinstance(layer.cell, _CONVOLUTIONS)
            and getattr(layer.cell, "groups", 1) == 1
        ):
            linear = Linear(layer.cell, pattern, rank)
            specs = pattern.specs(shape, frames, delay)
            if STATE in specs and rank == 3:
                rows, channels = specs[STATE].shape
                specs = {STATE: StateSpec((rows, 1, channels))}
            linear.specs, linear.macs = specs, layer.macs(shape, frames)
            return linear
        if (
            isinstance(pattern, Window)
            and isinstance(layer.cell, layers.GlobalAveragePooling1D)
            and pattern.frames % frames == 0
            and delay % frames == 0
        ):
            return WindowMean(pattern, shape[-1], frames)
        return Layer(layer, shape, frames, delay, rank)

    @staticmethod
    def _lower_bare_convolution(layer: Any, shape, tensor, frames: int, rank: int) -> Operation:
        if layer.kernel_size[0] != 1 or layer.strides[0] != 1:
            refuse(layer, "it mixes frames: wrap it in Stream(...)")
        if getattr(layer, "groups", 1) != 1:
            count = functools.partial(count_macs, layer, (1, frames, *shape[2:]))
            return Memoryless(lambda tensors: layer(tensors[0]), rank, False, count)
        # The ring of one tap keeps nothing; it knows the padding in frequency.
        linear = Linear(layer, Ring(type(layer).from_config(layer.get_config()), 0), rank)
        bins = tensor.shape[2] if rank == 4 else 1
        linear.macs = linear.kernel.size * frames * bins
        return linear

    def _lower_memoryless(self, operation: Any, call: Any, tensor: Any, frames: int, ended: bool) -> Operation:
        rank = len(tensor.shape)
        kind = type(operation).__name__
        if isinstance(operation, _ELEMENTWISE):
            any_rank = True
        elif not isinstance(operation, layers.Layer):
            if kind not in _ELEMENTWISE_FUNCTIONS:
                refuse(operation, "this function may mix frames: put it into a StreamingLayer of your own")
            constants = keras.tree.flatten((call.arguments.args, call.arguments.kwargs))
            any_rank = all(isinstance(item, keras.KerasTensor | str) or np.ndim(item) == 0 for item in constants)
        else:
            any_rank = False
            if not ended:
                self._check_frame_by_frame(operation, call, tensor)
        symbols = call.input_tensors
        reshape = isinstance(operation, layers.Reshape) and not ended
        plain_relu = isinstance(operation, layers.ReLU) and (
            operation.max_value is None and not operation.negative_slope and not operation.threshold
        )

        def run(tensors: list[Any]) -> Any:
            if reshape:
                return keras.ops.reshape(tensors[0], (*tensors[0].shape[:2], *tensor.shape[2:]))
            if plain_relu:
                return tf.nn.relu(tensors[0])
            if isinstance(operation, layers.Add):
                return functools.reduce(operator.add, tensors)
            if kind == "Concatenate":
                return keras.ops.concatenate(tensors, -1)
            known = {id(symbol): value for symbol, value in zip(symbols, tensors, strict=True)}
            args, kwargs = call.arguments.fill_in(known)
            return operation(*args, **kwargs)

        def count() -> int:
            shapes = [(1, *s.shape[1:]) if ended else (1, frames, *s.shape[2:]) for s in symbols]
            return count_macs(lambda *tensors: run(tensors), *shapes)

        return Memoryless(run, rank, any_rank, count if getattr(operation, "weights", None) else lambda: 0)

    @staticmethod
    def _check_frame_by_frame(layer: Any, call: Any, tensor: Any) -> None:
        shape = tuple(call.input_tensors[0].shape)
        rank = len(shape)
        last = rank - 1
        if isinstance(layer, layers.Concatenate):
            if layer.axis % rank != last:
                refuse(layer, "it must join the last axis")
        elif isinstance(layer, layers.LayerNormalization | layers.RMSNormalization):
            axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
            if any(axis % rank in (0, 1) for axis in axes):
                refuse(layer, "it normalises over time")
        elif isinstance(layer, layers.UnitNormalization | layers.Softmax):
            axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
            if any(axis % rank in (0, 1) for axis in axes):
                refuse(layer, "it normalises over time")
        elif isinstance(layer, layers.Reshape):
            if len(tensor.shape) < 3 or np.prod(tensor.shape[2:]) != np.prod(shape[2:]):
                refuse(layer, "it must keep the frames: Reshape((-1, ...)) with as many values in each")
        elif isinstance(layer, layers.Permute):
            if layer.dims[0] != 1:
                refuse(layer, "it moves the time axis")
        elif isinstance(layer, layers.PReLU):
            if not layer.shared_axes or 1 not in layer.shared_axes:
                refuse(layer, "it has other weights for each frame; give shared_axes=[1]")
        elif isinstance(layer, layers.TimeDistributed):
            return
        else:
            pattern_for(
                layer, None, 1 if "Flatten" in type(layer).__name__ or "Global" in type(layer).__name__ else None
            )
            refuse(layer, "it mixes frames: wrap it in Stream(...)")

    # Folding

    def _fold_norm(self, norm: Any, number: int, only_use: bool, rank: int) -> bool:
        if norm.axis % rank != rank - 1:
            refuse(norm, "it must normalise the last axis")
        node = self._made_by[number]
        if not only_use or node is None or not isinstance(node.operation, Linear) or node.operation.activation:
            return False
        node.operation.fold_scale(*_gain_and_offset(norm))
        node.parameters += norm.count_params()
        return True

    def _fold_one_taps(self, outputs: list[int]) -> None:
        uses: dict[int, int] = {}
        for number in (*outputs, *(source for node in self._nodes for source in node.inputs)):
            uses[number] = uses.get(number, 0) + 1
        for node in list(self._nodes):
            linear = node.operation
            before = self._made_by[node.inputs[0]]
            if (
                isinstance(linear, Linear)
                and not linear.depthwise
                and linear.kernel.shape[:2] == (1, 1)
                and before is not None
                and isinstance(before.operation, Linear)
                and before.operation.is_one_tap
                and uses[before.output] == 1
            ):
                linear.fold_one_tap(before.operation)
                node.inputs, node.parameters = before.inputs, node.parameters + before.parameters
                self._nodes.remove(before)


def _gain_and_offset(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    def value(variable: Any, default: float) -> np.ndarray:
        if variable is None:
            return np.full(norm.moving_mean.shape, default, np.float64)
        return np.asarray(variable, np.float64)

    gain = value(norm.gamma, 1.0) / np.sqrt(value(norm.moving_variance, 1.0) + norm.epsilon)
    return gain, value(norm.beta, 0.0) - value(norm.moving_mean, 0.0) * gain
