"""Which layers stream, quantize and train for integers: found out by asking those that do it."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from kws_reference.errors import KwsError
from kws_reference.tflite.reader import read

from kws_training.convert.float_operators import named
from kws_training.convert.integer import quantized
from kws_training.quantize.graph import to_quantized
from kws_training.quantize.precision import precision
from kws_training.streaming import (
    SVDF,
    CannotStream,
    Delay,
    LocalSelfAttention,
    ProjectedLSTMCell,
    Stream,
    StreamingModel,
    SubSpectralNormalization,
    to_streaming,
)

FRAMES, CHANNELS = 8, 32
FRAME_SHAPES = (CHANNELS,), (4, CHANNELS)
"""Channels, and bins of channels."""
FRAMES_PER_STEP = 2
SCALE = 1 / 32
AS_IT_IS, WRAPPED = "as it is", "in Stream(...)"

_ELSEWHERE = ("image_preprocessing", "utils", "export")
"""Keras's modules whose layers take no features: augmentation of pictures, other frameworks, saved models."""
_ARGUMENTS: dict[str, Callable[[], Any]] = {
    "activation": lambda: "relu",
    "cell": lambda: layers.GRUCell(4),
    "dims": lambda: (1, 2),
    "equation": lambda: "abc,cd->abd",
    "filters": lambda: CHANNELS,
    "function": lambda: lambda x: 2 * x,
    "head_dim": lambda: 4,
    "kernel_size": lambda: 3,
    "key_dim": lambda: 4,
    "n": lambda: 2,
    "num_heads": lambda: 2,
    "num_key_value_heads": lambda: 2,
    "num_query_heads": lambda: 2,
    "pool_size": lambda: 2,
    "output_shape": lambda: (None, CHANNELS),
    "output_size": lambda: 2,
    "rate": lambda: 0.1,
    "scale": lambda: 2.0,
    "stddev": lambda: 0.1,
    "target_shape": lambda: (-1, CHANNELS),
    "units": lambda: CHANNELS,
}
"""What a layer is made with, by the names of the arguments that it cannot do without."""


@dataclasses.dataclass(frozen=True)
class LayerSupport:
    """What becomes of a layer.

    Attributes:
      name: of its class.
      streams: `AS_IT_IS`, `WRAPPED`, or empty: it does not.
      quantizes: whether the converter has int8 for all of it; None: not asked, or it does not stream.
      trains: whether quantization-aware training has it; None as of `quantizes`.
      operators: TFLite's, of the quantized model of a Dense and the layer; `kws-codegen` refuses what it does not know.
      why: the reason of what does not; empty if both do.
    """

    name: str
    streams: str
    quantizes: bool | None = None
    trains: bool | None = None
    operators: tuple[str, ...] = ()
    why: str = ""


HEADLINE = f"{'Layer':<26}{'Streams':<16}{'int8':<6}{'QAT':<5}Operators, or why not"


def row(support: LayerSupport) -> str:
    """A line of the table, below `HEADLINE`."""
    int8, qat = ({None: "", True: "yes", False: "no"}[value] for value in (support.quantizes, support.trains))
    last = support.why or " ".join(support.operators)
    return f"{support.name:<26}{support.streams or 'no':<16}{int8:<6}{qat:<5}{last}".rstrip()


def layer_support(names: Sequence[str] = (), *, ask_converter: bool = True) -> Iterator[LayerSupport]:
    """Tries Keras's layers, in the order of their names, and then the kit's.

    Each is made with few arguments of its own and built into a model of a Dense and itself; layers that take no
    features (Embedding, three dimensions) are left out.

    Args:
      names: of the layers; none: all.
      ask_converter: also quantize what streams, about a second each.

    Raises:
      KwsError: one of the names is no layer's.
    """
    makers: dict[str, Callable[[], Any]] = {
        name: functools.partial(_made, kind) for name, kind in keras_layers().items()
    }
    makers |= {
        "Delay": lambda: Delay(2),
        "LocalSelfAttention": lambda: LocalSelfAttention(CHANNELS, 4),
        "ProjectedLSTMCell": lambda: Stream(layers.RNN(ProjectedLSTMCell(8, 4), return_sequences=True)),
        "SVDF": lambda: SVDF(CHANNELS, 4),
        "SubSpectralNormalization": lambda: SubSpectralNormalization(2),
    }
    if unknown := [name for name in names if name not in makers]:
        raise KwsError(f"neither Keras nor the kit has a layer {unknown[0]}. Leave out its name to list all.")
    for name in names or makers:
        found = _streaming(name, makers[name])
        if found is None:
            continue
        support, model = found
        if model is not None and ask_converter:
            operators, why = _integers(to_streaming(model, FRAMES_PER_STEP))
            about = {"quantizes": not why, "trains": _trains(model), "operators": operators, "why": why}
            support = dataclasses.replace(support, **about)
        yield support


def keras_layers() -> dict[str, type]:
    """Keras's layers by name, each once, but those that take something else than frames of features."""
    found: dict[type, str] = {}
    for name, kind in sorted(vars(layers).items()):
        if inspect.isclass(kind) and issubclass(kind, layers.Layer) and not name.endswith("3D"):
            if not any(place in kind.__module__.split(".") for place in _ELSEWHERE):
                found[kind] = name if name == kind.__name__ else found.get(kind, name)
    return {name: kind for kind, name in sorted(found.items(), key=lambda item: item[1])}


def _made(kind: type) -> layers.Layer:
    """A layer with what it needs.

    Raises:
      KeyError: an argument that is not known.
    """
    if issubclass(kind, layers.Bidirectional):
        return kind(layers.GRU(4, return_sequences=True))
    needed = [
        item.name
        for item in inspect.signature(kind.__init__).parameters.values()
        if item.default is item.empty and item.kind is item.POSITIONAL_OR_KEYWORD and item.name != "self"
    ]
    given = {name: layers.Dense(CHANNELS) if name == "layer" else _ARGUMENTS[name]() for name in needed}
    return kind(**given)


def _streaming(name: str, make: Callable[[], layers.Layer]) -> tuple[LayerSupport, keras.Model | None] | None:
    """Whether a layer streams, and the model of it that does; None: it takes no features."""
    try:
        bare = _model(make)
    except Exception:  # anything that a layer of Keras's raises about arguments and shapes that are not its own
        return None
    layer = bare.layers[-1]
    if hasattr(layer, "state_size") and not isinstance(layer, layers.RNN):
        return None  # a cell, of which RNN makes a layer
    try:
        to_streaming(bare, FRAMES_PER_STEP)
        return LayerSupport(name, AS_IT_IS), bare
    except CannotStream as error:
        why = str(error).partition(" cannot stream: ")[2]
    try:
        wrapped = _model(lambda: Stream(make()), [bare.input_shape[2:]])
        to_streaming(wrapped, FRAMES_PER_STEP)
        return LayerSupport(name, WRAPPED), wrapped
    except CannotStream:
        prepares_data = "preprocessing" in type(layer).__module__.split(".")
        return None if prepares_data else (LayerSupport(name, "", why=why), None)


def _model(make: Callable[[], layers.Layer], frames: Sequence[tuple[int, ...]] = FRAME_SHAPES) -> keras.Model:
    """A Dense and the layer, of the first of these shapes of a frame that the layer takes.

    Raises:
      ValueError, TypeError: it takes neither, nor two of one.
    """
    errors: list[Exception] = []
    for frame in frames:
        inputs = keras.Input((FRAMES, *frame))
        x = layers.Dense(CHANNELS, name="first")(inputs)
        for arguments in ((x,), ([x, inputs],), (x, x)):
            try:
                return keras.Model(inputs, make()(*arguments))
            except (ValueError, TypeError) as error:
                errors.append(error)
    raise errors[0]


def _trains(model: keras.Model) -> bool:
    """Whether there is a quantized model of it."""
    try:
        to_quantized(model, precision("int8_native"), SCALE, FRAMES_PER_STEP, FRAMES)
    except KwsError:
        return False
    return True


def _integers(model: StreamingModel) -> tuple[tuple[str, ...], str]:
    """The operators that the converter makes of a model, and why not all are of integers; empty if they are."""
    random = np.random.default_rng(0)
    recordings = random.integers(-128, 128, (4, 2 * FRAMES, *model.input_shape[2:])).astype(np.int8)
    try:
        data, left = quantized(model, recordings, SCALE)
    except KwsError as error:
        return (), str(error)
    kinds = sorted({op.kind for op in read(data).ops})
    return tuple(kinds), f"the converter leaves {named(left)}" if left else ""
