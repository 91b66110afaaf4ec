"""`to_quantized`: walks a float model and builds the model of layers with a precision beside it.

Batch normalisation is folded into the convolution before it, a ReLU into the layer that it follows.
Weights come from the float model, ranges from `kws_training.quantize.model.calibrate`.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers
from kws_reference.errors import KwsError

from kws_training.quantize import elementwise, recurrent, windows
from kws_training.quantize.activation import Activation, activation_of, bound_of, is_activation
from kws_training.quantize.layers import Add, Dense, Depthwise, Features, Pointwise, QuantizedLinear, WindowMean
from kws_training.quantize.precision import Precision
from kws_training.quantize.ranges import ActivationRange, FixedRange
from kws_training.streaming import SVDF, Stream, Streaming, to_streaming
from kws_training.streaming.keras_graph import KerasGraph, Made, is_functional
from kws_training.streaming.patterns import Ring, Window, pattern_for
from kws_training.streaming.rules import gain_and_offset, is_keras_own

Key = tuple[int, int]
Range = ActivationRange | FixedRange

TAKEN = (
    "convolutions without groups, Dense, GRU, LSTM, SimpleRNN, SVDF, BatchNormalization, Add, Multiply, Concatenate, "
    "Reshape, pooling, Flatten, and ReLU, ReLU6, LeakyReLU, hard_swish, silu, sigmoid and tanh"
)
_AS_THEY_ARE = (layers.Conv1D, layers.Conv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_RECURRENT = (layers.GRU, layers.LSTM, layers.SimpleRNN)
_POOLS = (layers.AveragePooling1D, layers.AveragePooling2D, layers.MaxPooling1D, layers.MaxPooling2D)
_LARGEST = (layers.MaxPooling1D, layers.MaxPooling2D, layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D)
_MEANS = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)


def to_quantized(
    model: keras.Model, precision: Precision, features_scale: float, frames_per_step: int, frames: int
) -> keras.Model:
    """Builds the quantized model of a float model, which stays as it is, with its weights.

    Args:
      model: built; features ``[batch, frames, coefficients]`` in, one output. Functional, sequential, or of the
        subclass API if its `call` uses Keras's layers and functions only.
      precision: of every layer.
      features_scale: real value of one int8 feature step; the zero point is 0.
      frames_per_step: of the streaming step that it is made for.
      frames: of a clip.

    Returns:
      The training model of clips of so many frames; its ranges are not measured yet.

    Raises:
      KwsError: a layer has no form with a precision, or the model looks ahead; says which, and what helps.
      CannotStream: it does not stream.
    """
    names: dict[int, str] = {}
    if not is_functional(model):
        names = dict(_attributes(model))
        model = _traced(model, frames)
    streaming = to_streaming(model, frames_per_step)
    if streaming.needs_valid or streaming.delay_frames or streaming.output_count != 1:
        raise KwsError(f"{model.name}: the firmware's engines take models of one output that do not look ahead.")
    graph = KerasGraph(model, (layers.Dropout,))
    return _Walker(graph, precision, features_scale, frames_per_step, frames, names).result()


def _attributes(model: keras.Model) -> Iterator[tuple[int, str]]:
    """Identity and name of the layers that are attributes of a model, as its states are named."""
    for name, value in vars(model).items():
        parts = value if isinstance(value, list | tuple) else [value]
        for place, part in enumerate(parts):
            if isinstance(part, keras.layers.Layer) and not name.startswith("_"):
                yield id(part), name if part is value else f"{name}_{place}"


def _traced(model: keras.Model, frames: int) -> keras.Model:
    """The functional model of what a model of the subclass API does with its layers."""
    shape = tuple(model.get_build_config()["input_shape"])
    inputs = keras.Input((frames, *shape[2:]), name="features")
    try:
        return keras.Model(inputs, model.call(inputs), name=model.name)
    except Exception as error:  # whatever somebody's own code raises about a symbol in the place of numbers
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise KwsError(
            f"{model.name} ({type(model).__name__}) cannot be trained in integers: its call does not run on a symbol "
            f"({first[:200]}). Use Keras's layers and keras.ops there, or build it from keras.Input."
        ) from None


@dataclasses.dataclass(frozen=True)
class _Value:
    """A tensor of the quantized model.

    Attributes:
      tensor: Keras's symbol.
      values: its range.
      ended: it has no time axis.
      taps: a depthwise convolution of one tap that the 1x1 convolution behind takes over: a factor for each channel.
    """

    tensor: Any
    values: Range
    ended: bool = False
    taps: np.ndarray | None = None


@dataclasses.dataclass
class _Behind:
    """What follows a layer and becomes a part of it.

    Attributes:
      norm, gain, offset: whether there is batch normalisation, and what it does to each channel.
      relu, largest: as of `QuantizedLinear`.
      key: of the last tensor that it stands for.
    """

    key: Key
    norm: bool = False
    gain: np.ndarray | float = 1.0
    offset: np.ndarray | float = 0.0
    relu: bool = False
    largest: float | None = None


class _Walker:
    def __init__(
        self, graph: KerasGraph, precision: Precision, scale: float, step: int, frames: int, names: dict[int, str]
    ):
        self._graph, self._precision, self._step, self._names = graph, precision, step, names
        self._made: dict[Key, _Value] = {}
        self._part_of_another: set[Key] = set()
        self._taken: set[str] = {"quantize"}
        self._inputs = keras.Input((frames, *graph.input_shape[2:]), name="features")
        features = FixedRange(scale)
        self._features = _Value(Features(precision, features, name="quantize")(self._inputs), features)
        self._frames = frames

    def result(self) -> keras.Model:
        for made in self._graph.calls:
            if made.operation is None:
                self._made[made.key] = self._features
            elif made.key not in self._part_of_another:
                self._visit(made)
        output = self._made[self._graph.outputs[0]]
        scores = elementwise.Scores(self._precision, output.values, name=self._unique("scores"))(output.tensor)
        return keras.Model(self._inputs, scores, name=self._graph.model.name)

    def _visit(self, made: Made) -> None:
        operation = made.operation
        cell = operation.cell if isinstance(operation, Stream) else operation
        if type(operation) is SVDF:
            self._svdf(made, operation, self._made[made.sources[0]])
            return
        if not is_keras_own(cell) or (isinstance(operation, Streaming) and not isinstance(operation, Stream)):
            self._refuse(made)
        sources = [self._made[key] for key in made.sources]
        if isinstance(cell, layers.Dropout):
            tensor = layers.Dropout(cell.rate, name=self._unique(self._name(made)))(sources[0].tensor)
            self._made[made.key] = dataclasses.replace(sources[0], tensor=tensor) if cell.rate else sources[0]
            return
        rule = self._rule(cell)
        if rule is None:
            self._refuse(made)
        rule(made, cell, sources)

    def _rule(self, cell: Any) -> Callable[[Made, Any, list[_Value]], None] | None:
        rules: list[tuple[Any, Callable]] = [
            ((*_AS_THEY_ARE, *_SEPARABLE), self._convolution),
            (layers.Dense, self._dense),
            (layers.BatchNormalization, self._norm),
            (_RECURRENT, self._recurrent),
            (_POOLS, self._pool),
            ((*_MEANS, *_LARGEST, layers.Flatten), self._window),
        ]
        for kinds, rule in rules:
            if isinstance(cell, kinds):
                return rule
        named = {"Add": self._add, "Multiply": self._multiply, "Concatenate": self._concatenate}
        kind = type(cell).__name__
        if kind in named:
            return named[kind]
        if kind == "Reshape":
            return self._reshape
        return self._activation if is_activation(cell) and activation_of(cell) else None

    # Layers with weights

    def _convolution(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        if getattr(cell, "groups", 1) != 1:
            self._refuse(made, "it has groups: leave them out, or take a DepthwiseConv")
        if source.ended:
            self._refuse(made, "time has ended before it: take Dense there")
        ring = made.operation.pattern if isinstance(made.operation, Stream) else _ring(cell)
        planar = len(source.tensor.shape) == 4
        bias = None if cell.bias is None else np.asarray(cell.bias, np.float64)
        if isinstance(cell, _SEPARABLE):
            depth = np.asarray(cell.depthwise_kernel, np.float64)
            name = f"{self._name(made)}_depthwise"
            source = self._depthwise(made, source, ring, depth, None, _Behind(made.key), name, planar)
            kernel = np.asarray(cell.pointwise_kernel, np.float64)
            kernel = kernel.reshape(kernel.shape[-2:])
            self._finish(made, cell, lambda behind: self._pointwise(made, source, kernel, bias, behind))
            return
        kernel = np.asarray(cell.kernel, np.float64)
        if isinstance(cell, _DEPTHWISE):
            if self._passes_taps_on(made, cell, kernel, ring):
                self._made[made.key] = dataclasses.replace(source, taps=kernel.reshape(-1))
                return
            name = self._name(made)
            self._finish(
                made, cell, lambda behind: self._depthwise(made, source, ring, kernel, bias, behind, name, planar)
            )
        elif kernel.shape[:-2] in ((1,), (1, 1)) and ring.stride == 1 and set(ring.strides) == {1}:
            matrix = kernel.reshape(kernel.shape[-2:])
            self._finish(made, cell, lambda behind: self._pointwise(made, source, matrix, bias, behind))
        else:
            self._finish(made, cell, lambda behind: self._full(made, source, ring, kernel, bias, behind))

    def _passes_taps_on(self, made: Made, cell: Any, kernel: np.ndarray, ring: Ring) -> bool:
        """Whether it is a factor for each channel that the 1x1 convolution behind it can take over."""
        one = kernel.size == kernel.shape[-2] and set(ring.strides) == {1} and kernel.shape[-1] == 1
        behind = self._only_user(made.key)
        kind = behind.operation if behind else None
        matrix = isinstance(kind, layers.Dense) or (
            isinstance(kind, layers.Conv1D | layers.Conv2D)
            and not isinstance(kind, _DEPTHWISE)
            and set(kind.kernel_size) == {1}
            and set(kind.strides) == {1}
        )
        return one and cell.bias is None and cell.activation is keras.activations.linear and matrix

    def _depthwise(
        self,
        made: Made,
        source: _Value,
        ring: Ring,
        kernel: np.ndarray,
        bias: np.ndarray | None,
        behind: _Behind,
        name: str,
        planar: bool,
    ) -> _Value:
        name, channels, multiplier = self._unique(name), *kernel.shape[-2:]
        taps = kernel.reshape(*kernel.shape[:-2], channels * multiplier) * behind.gain
        outputs = self._values(name)
        about = {"relu": behind.relu, "largest": behind.largest, "name": name}
        if not planar and multiplier == 1 and ring.stride == 1:
            has_bias = bias is not None or behind.norm  # whatever the values: a run is built again, and then loaded
            layer: QuantizedLinear = Depthwise(
                channels,
                ring.kernel[0],
                ring.dilation[0],
                self._precision,
                source.values,
                outputs,
                use_bias=has_bias,
                **about,
            )
        else:
            taps = taps.reshape(*(kernel.shape[:-2] if planar else (kernel.shape[0], 1)), channels * multiplier)
            layer = windows.DepthwiseConvolution(
                ring, channels, multiplier, self._precision, source.values, outputs, **about
            )
        return self._weighted(layer, source, taps, bias, behind)

    def _pointwise(
        self,
        made: Made,
        source: _Value,
        kernel: np.ndarray,
        bias: np.ndarray | None,
        behind: _Behind,
        name: str | None = None,
    ) -> _Value:
        name = self._unique(name or self._name(made))
        outputs = self._values(name)
        about = {"relu": behind.relu, "largest": behind.largest, "name": name}
        taps = 1.0 if source.taps is None else source.taps[:, None]
        arguments = *kernel.shape, self._precision, source.values, outputs
        layer = Dense(*arguments, hidden=True, **about) if source.ended else Pointwise(*arguments, **about)
        return self._weighted(layer, source, kernel * taps * behind.gain, bias, behind)

    def _full(
        self, made: Made, source: _Value, ring: Ring, kernel: np.ndarray, bias: np.ndarray | None, behind: _Behind
    ) -> _Value:
        name = self._unique(self._name(made))
        outputs = self._values(name)
        about = {"relu": behind.relu, "largest": behind.largest, "name": name}
        kernel = kernel if kernel.ndim == 4 else kernel[:, None]
        layer = windows.Convolution(ring, *kernel.shape[2:], self._precision, source.values, outputs, **about)
        return self._weighted(layer, source, kernel * behind.gain, bias, behind)

    def _weighted(
        self, layer: QuantizedLinear, source: _Value, kernel: np.ndarray, bias: np.ndarray | None, behind: _Behind
    ) -> _Value:
        """Gives a layer its weights and calls it."""
        layer.kernel.assign(kernel.astype(np.float32))
        if layer.bias is not None:
            known = np.zeros(layer.bias.shape) if bias is None else bias
            layer.bias.assign(np.asarray(known * behind.gain + behind.offset, np.float32))
        return _Value(layer(source.tensor), layer.outputs, source.ended)

    def _dense(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        kernel = np.asarray(cell.kernel, np.float64)
        bias = None if cell.bias is None else np.asarray(cell.bias, np.float64)
        self._finish(made, cell, lambda behind: self._pointwise(made, source, kernel, bias, behind))

    def _svdf(self, made: Made, cell: SVDF, source: _Value) -> None:
        """A 1x1 convolution, and one of each channel in time; of one rank there is nothing to add up."""
        if cell.rank > 1:
            self._refuse(made, "its filters of one unit are summed: take rank=1 and more units")
        kernel = np.asarray(cell.feature_kernel, np.float64)
        source = self._pointwise(made, source, kernel, None, _Behind(made.key), f"{self._name(made)}_features")
        taps = np.asarray(cell.time_kernel, np.float64)
        bias, name = None if cell.bias is None else np.asarray(cell.bias, np.float64), self._name(made)
        ring = _ring(layers.DepthwiseConv1D(cell.memory))
        self._finish(made, cell, lambda behind: self._depthwise(made, source, ring, taps, bias, behind, name, False))

    def _norm(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        """Batch normalisation that no layer before it could take over: a convolution of one tap."""
        (source,) = sources
        if source.ended:
            self._refuse(made, "time has ended before it: put it behind a Dense, or before the layer that ends time")
        gain, offset = gain_and_offset(cell)
        planar = len(source.tensor.shape) == 4
        kernel = gain.reshape(*((1, 1) if planar else (1,)), -1, 1)
        ring = _ring(layers.DepthwiseConv2D((1, 1)) if planar else layers.DepthwiseConv1D(1))
        behind = self._behind(made.key, norm=False)
        name = self._name(made)
        self._made[behind.key] = self._depthwise(made, source, ring, kernel, offset, behind, name, planar)

    def _finish(self, made: Made, cell: Any, make: Callable[[_Behind], _Value]) -> None:
        """Makes a layer with weights and what follows it, as far as that becomes a part of it, and its activation."""
        own = activation_of(cell)
        if own is None:
            if cell.activation is not keras.activations.linear:
                name = getattr(cell.activation, "__name__", type(cell.activation).__name__)
                self._refuse(made, f"its activation {name} has no form that computes in integers while it learns")
            behind = self._behind(made.key)
            self._made[behind.key] = make(behind)
            return
        relu, largest = bound_of(own)
        value = make(_Behind(made.key, relu=relu, largest=largest))
        self._made[made.key] = value if relu else self._function(self._name(made), own, value)

    def _behind(self, key: Key, norm: bool = True) -> _Behind:
        """Batch normalisation and a ReLU behind a tensor that nothing else takes."""
        found = _Behind(key)
        while (user := self._only_user(found.key)) is not None and is_keras_own(user.operation):
            layer = user.operation
            if (
                norm
                and isinstance(layer, layers.BatchNormalization)
                and layer.axis % len(user.tensor.shape) == (len(user.tensor.shape) - 1)
            ):
                gain, offset = gain_and_offset(layer)
                found.gain, found.offset, found.key = found.gain * gain, found.offset * gain + offset, user.key
                found.norm = True
                self._part_of_another.add(user.key)
                continue
            activation = activation_of(layer) if is_activation(layer) else None
            found.relu, found.largest = bound_of(activation)
            if found.relu:
                found.key = user.key
                self._part_of_another.add(user.key)
            break
        return found

    def _only_user(self, key: Key) -> Made | None:
        if self._graph.uses(key) != 1:
            return None
        return next((made for made in self._graph.calls if key in made.sources), None)

    def _recurrent(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        if type(cell) not in _RECURRENT or not isinstance(made.operation, Stream):
            self._refuse(made)
        if why := recurrent.why_not(cell):
            self._refuse(made, why)
        name = self._unique(self._name(made))
        layer = recurrent.Recurrent(cell, source.tensor.shape[-1], self._precision, source.values, name)
        self._made[made.key] = _Value(layer(source.tensor), layer.outputs, layer.ends_time)

    # Layers without weights

    def _add(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        behind = self._behind(made.key, norm=False)
        self._pairwise(made, sources, behind.key, Add, relu=behind.relu, largest=behind.largest)

    def _multiply(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        self._pairwise(made, sources, made.key, elementwise.Multiply)

    def _pairwise(self, made: Made, sources: list[_Value], key: Key, kind: type, **last: Any) -> None:
        """The first with the second, their result with the third, and so on."""
        if len(sources) < 2:
            self._refuse(made, "it takes a constant: give it two tensors")
        if len({tuple(source.tensor.shape) for source in sources}) > 1:
            self._refuse(made, "its inputs have different shapes: make them equal")
        total = sources[0]
        for place, source in enumerate(sources[1:], 1):
            final = place == len(sources) - 1
            name = self._unique(self._name(made) if final else f"{self._name(made)}_{place}")
            outputs = self._values(name)
            about = last if final else {"relu": False} if last else {}
            layer = kind(self._precision, (total.values, source.values), outputs, name, **about)
            total = _Value(layer([total.tensor, source.tensor]), outputs, total.ended)
        self._made[key] = total

    def _concatenate(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        if cell.axis % len(made.tensor.shape) != len(made.tensor.shape) - 1:
            self._refuse(made, "it must join the last axis: axis=-1")
        name = self._unique(self._name(made))
        outputs, parts = self._values(name), []
        for place, source in enumerate(sources, 1):
            layer = elementwise.Function("QUANTIZE", self._precision, source.values, outputs, f"{name}_part{place}")
            parts.append(layer(source.tensor))
        joined = elementwise.Concatenate(outputs, name)(parts)
        self._made[made.key] = _Value(joined, outputs, sources[0].ended)

    def _reshape(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        shape = tuple(made.tensor.shape[2:])
        if source.ended or len(shape) not in (1, 2):
            self._refuse(made, "it must leave frames of channels, or of bins and channels: Reshape((-1, ...))")
        layer = elementwise.Frames(shape, source.values, self._unique(self._name(made)))
        self._made[made.key] = dataclasses.replace(source, tensor=layer(source.tensor))

    def _activation(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        self._made[made.key] = self._function(self._name(made), activation_of(cell), source, own_name=True)

    def _function(self, name: str, activation: Activation, source: _Value, own_name: bool = False) -> _Value:
        kind, largest, options = activation.kind, activation.largest, activation.options
        name = self._unique(name if own_name else f"{name}_{activation.name}")
        if kind == "SILU":
            gate = self._function(name, Activation("sigmoid", "LOGISTIC"), source)
            outputs = self._values(name)
            layer = elementwise.Multiply(self._precision, (source.values, gate.values), outputs, name)
            return _Value(layer([source.tensor, gate.tensor]), outputs, source.ended)
        fixed = elementwise.FIXED.get(kind)
        outputs = FixedRange(*fixed) if fixed else self._values(name)
        layer = elementwise.Function(kind, self._precision, source.values, outputs, name, largest=largest, **options)
        return _Value(layer(source.tensor), outputs, source.ended)

    # Windows

    def _pool(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        ring = made.operation.pattern if isinstance(made.operation, Stream) else _ring(cell)
        layer = windows.Pool(
            ring,
            self._precision,
            source.values,
            self._unique(self._name(made)),
            largest=isinstance(cell, _LARGEST),
        )
        self._made[made.key] = _Value(layer(source.tensor), source.values)

    def _window(self, made: Made, cell: Any, sources: list[_Value]) -> None:
        (source,) = sources
        if not isinstance(made.operation, Stream):
            self._refuse(made, "time has ended before it: leave it out")
        window: Window = made.operation.pattern
        name, values = self._unique(self._name(made)), source.values
        frames, rows = int(window.frames), source.tensor.shape[1]
        if isinstance(cell, _MEANS):
            group = self._step * rows // self._frames if rows else 1
            group = group if group and frames % group == 0 else 1
            layer: Any = WindowMean(frames, group, self._precision, values, name)
        else:
            layer = windows.LastFrames(frames, values, name, largest=isinstance(cell, _LARGEST))
        self._made[made.key] = _Value(layer(source.tensor), values, ended=True)

    # Names and refusals

    def _values(self, name: str) -> ActivationRange:
        return ActivationRange(self._precision.learned, f"{name}_range")

    def _name(self, made: Made) -> str:
        return self._names.get(id(made.operation), made.name)

    def _unique(self, name: str) -> str:
        """Another name for the second call of a layer, which shares no weights with the first any more."""
        others = (f"{name}_{place}" for place in itertools.count(1))
        found = next(each for each in itertools.chain([name], others) if each not in self._taken)
        self._taken.add(found)
        return found

    def _refuse(self, made: Made, why: str = "") -> None:
        operation = made.operation
        cell = f" of {type(operation.cell).__name__}" if isinstance(operation, Stream) else ""
        why = why or f"no form of it computes in integers while it learns (there are such of {TAKEN})"
        raise KwsError(
            f"{self._name(made)} ({type(operation).__name__}{cell}) cannot be trained in integers: {why}. Or export "
            "the float run with --precision ptq."
        )


def _ring(cell: Any) -> Ring:
    """The pattern of a convolution or pooling of one frame, which knows the padding of bins."""
    return pattern_for(type(cell).from_config(cell.get_config()), 0, None)
