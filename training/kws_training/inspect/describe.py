"""What a model is made of: one row for each layer or operator, as a table, as JSON, and for the picture.

Three kinds of models are described: a streaming model (of a registered model or of a run), a model that only takes
whole clips, and a bundle, which is read from its ``.tflite``.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.tflite.check import check_model
from kws_reference.tflite.graph import Graph, Op
from kws_reference.tflite.reader import read

from kws_training.streaming import Stream, StreamingModel
from kws_training.streaming.macs import count_macs
from kws_training.streaming.model import VALID

INPUT = "features"
_FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Layer:
    """A row of the table; counts are of one run: a streaming step, or a whole clip.

    Attributes:
      name: unique.
      kind: class of the layer, or operator of the ``.tflite``.
      inputs: names of the layers before it; `INPUT` is the model's input.
      output: shape of its output without the batch axis.
      parameters: elements of its weights.
      macs: multiply-accumulates.
      states: shape of each state by name.
      state_bytes: of all its states, as the model stores them.
      weight_bytes: of its weights in the file; None when there is no file.
      receptive_frames: input frames that an output depends on; None when it is not known.
      delay_frames: input frames by which the output lags.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: tuple[int, ...]
    parameters: int = 0
    macs: int = 0
    states: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    state_bytes: int = 0
    weight_bytes: int | None = None
    receptive_frames: int | None = None
    delay_frames: int = 0


@dataclasses.dataclass(frozen=True)
class Description:
    """A described model.

    Attributes:
      name: of the model.
      form: ``streaming``, ``batch`` or ``bundle``.
      input: shape of its input in one run, without the batch axis.
      layers: in the order of computation; those that only write a bundle's next state last.
      outputs: names of the layers that give the model's outputs.
      hop_ms, window_ms: of the front end: how far a frame is from the next, and how much audio it sees.
      delay_frames: input frames by which the outputs lag.
      unheard_frames: newest input frames that the outputs leave unheard until the next step.
      model_bytes: size of the file; None when there is none.
      reason: why a batch model does not stream.
    """

    name: str
    form: str
    input: tuple[int, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    hop_ms: float
    window_ms: float
    delay_frames: int = 0
    unheard_frames: int = 0
    model_bytes: int | None = None
    reason: str = ""

    @property
    def parameters(self) -> int:
        """Of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Of one run."""
        return sum(layer.macs for layer in self.layers)

    @property
    def state_elements(self) -> int:
        """Numbers that are kept from one step to the next."""
        return sum(_size(shape) for layer in self.layers for shape in layer.states.values())

    @property
    def run_ms(self) -> float:
        """Audio of one run."""
        return self.input[0] * self.hop_ms

    @property
    def macs_per_second(self) -> float:
        """Of one second of audio."""
        return self.macs * 1000 / self.run_ms

    @property
    def latency_ms(self) -> float:
        """Algorithmic latency: a step must have been heard, layers may look ahead, strides leave newest frames out."""
        return self.run_ms + (self.delay_frames + self.unheard_frames) * self.hop_ms

    @property
    def receptive_frames(self) -> int | None:
        """Input frames that the outputs depend on; None when it is not known."""
        found = [layer.receptive_frames for layer in self.layers if layer.name in self.outputs]
        return None if None in found else max(found, default=None)

    def frames_ms(self, frames: int) -> float:
        """Audio that so many frames in a row see, ms."""
        return (frames - 1) * self.hop_ms + self.window_ms

    def to_dict(self) -> dict[str, Any]:
        """JSON form, with the totals."""
        values = {**dataclasses.asdict(self), "layers": [dataclasses.asdict(layer) for layer in self.layers]}
        totals = ("parameters", "macs", "macs_per_second", "state_elements", "run_ms", "receptive_frames")
        values |= {name: getattr(self, name) for name in totals}
        if self.form != "batch":
            values["latency_ms"] = self.latency_ms
        return values


# The three kinds of models


def describe_streaming(name: str, model: StreamingModel, frontend: FrontendConfig) -> Description:
    """Describes a float streaming model; state bytes are counted for int8, one for each element."""
    made_by = {0: INPUT} | {node.output: node.name for node in model.nodes}
    rows = [
        Layer(
            name=row.name,
            kind=row.kind,
            inputs=tuple(made_by[number] for number in node.inputs),
            output=row.output,
            parameters=row.parameters,
            macs=row.macs,
            states=row.states,
            state_bytes=sum(map(_size, row.states.values())),
            receptive_frames=row.receptive_frames,
            delay_frames=row.delay_frames,
        )
        for row, node in zip(model.rows(), model.nodes, strict=True)
    ]
    if VALID in model.state_specs:
        shape = model.state_specs[VALID].shape
        flags = (model.frames_per_step,)
        rows.insert(0, Layer(VALID, "flags of the clip", (), flags, states={VALID: shape}, state_bytes=_size(shape)))
    used = {source for row in rows for source in row.inputs}
    return Description(
        name,
        "streaming",
        (model.frames_per_step, *model.input_shape[2:]),
        tuple(rows),
        tuple(row.name for row in rows if row.name not in used and row.inputs),
        *_times(frontend),
        delay_frames=model.delay_frames,
        unheard_frames=model.unheard_frames,
    )


def describe_batch(name: str, model: keras.Model, frontend: FrontendConfig, frames: int, reason: str) -> Description:
    """Describes a functional model that takes whole clips.

    Args:
      name: of the model.
      model: one input ``[batch, time, ...]``.
      frontend: of its features.
      frames: of a clip, unless the model fixes them.
      reason: why it does not stream.
    """
    shape = tuple(model.inputs[0].shape)
    frames = shape[1] or frames

    def known(tensor: Any) -> tuple[int, ...]:
        return (1, *(frames if extent is None else extent for extent in tensor.shape[1:]))

    made_by, rows = {id(model.inputs[0]): INPUT}, []
    for operation in model.operations:
        if isinstance(operation, layers.InputLayer):
            continue
        call = operation._inbound_nodes[-1]
        output = call.outputs[0]
        made_by[id(output)] = operation.name
        rows.append(
            Layer(
                name=operation.name,
                kind=_kind(operation),
                inputs=tuple(made_by[id(tensor)] for tensor in call.input_tensors),
                output=known(output)[1:],
                parameters=operation.count_params() if isinstance(operation, layers.Layer) else 0,
                macs=_batch_macs(operation, call, known),
            )
        )
    outputs = tuple(made_by[id(tensor)] for tensor in model.outputs)
    return Description(name, "batch", (frames, *shape[2:]), tuple(rows), outputs, *_times(frontend), reason=reason)


def _kind(operation: Any) -> str:
    kind = type(operation).__name__
    inner = operation.cell if isinstance(operation, Stream) else getattr(operation, "forward_layer", None)
    return f"{kind}({type(inner).__name__})" if inner else kind


def _batch_macs(operation: Any, call: Any, known: Callable[[Any], tuple[int, ...]]) -> int:
    if isinstance(operation, layers.RNN | layers.Bidirectional):  # a loop of the graph, with one product a frame
        kernels = [weight for weight in operation.weights if weight.name.endswith("kernel")]
        return known(call.input_tensors[0])[1] * sum(_size(kernel.shape) for kernel in kernels)
    symbols = call.input_tensors

    def run(*tensors: Any) -> Any:
        given = {id(symbol): tensor for symbol, tensor in zip(symbols, tensors, strict=True)}
        args, kwargs = call.arguments.fill_in(given)
        return operation(*args, **kwargs)

    return count_macs(run, *map(known, symbols))


def describe_bundle(bundle: Bundle) -> Description:
    """Describes the operators of a bundle's ``.tflite``; batch normalisation is folded into its weights.

    Raises:
      KwsError: the model is damaged, is no ``.tflite`` with one subgraph, or contradicts the manifest.
    """
    try:
        check_model(bundle.model)
        return _described(bundle, read(bundle.model))
    except KwsError as error:
        raise KwsError(f"{bundle.path}: {error}") from None
    except LookupError as error:
        raise KwsError(
            f"{bundle.path}: the model lacks inputs and outputs of the manifest, or of an operator "
            f"({type(error).__name__}: {error}). Export it again."
        ) from None


def _described(bundle: Bundle, graph: Graph) -> Description:
    made_by = {graph.inputs[bundle.features.index]: INPUT}
    state_of = {graph.inputs[state.input_index]: state for state in bundle.states}
    writes_state = {graph.outputs[state.output_index] for state in bundle.states}
    computed, writers = [], []
    for op in graph.ops:
        given = [tensor for tensor in op.inputs if tensor >= 0]
        weights = [graph.tensors[tensor] for tensor in _weights(graph, op)]
        activation = op.options.get("activation", "NONE")
        output = op.outputs[0]
        made_by[output] = f"{op.index} {op.kind}"
        row = Layer(
            name=made_by[output],
            kind=op.kind if activation == "NONE" else f"{op.kind} + {activation}",
            inputs=tuple(made_by[tensor] for tensor in given if tensor in made_by),
            output=graph.tensors[output].shape[1:],
            parameters=sum(tensor.size for tensor in weights),
            macs=_op_macs(graph, op),
            states={state_of[tensor].name: state_of[tensor].shape[1:] for tensor in given if tensor in state_of},
            state_bytes=sum(graph.tensors[tensor].stored_bytes for tensor in given if tensor in state_of),
            weight_bytes=sum(tensor.stored_bytes for tensor in weights),
        )
        (writers if output in writes_state else computed).append(row)
    return Description(
        bundle.name,
        "bundle",
        (bundle.frames_per_step, bundle.frontend.coefficients),
        (*computed, *writers),
        (made_by[graph.outputs[bundle.scores.index]],),
        *_times(bundle.frontend),
        model_bytes=len(bundle.model),
    )


def _weights(graph: Graph, op: Op) -> list[int]:
    """Constant inputs, but not the shapes and axes of operators that compute nothing."""
    constants = [tensor for tensor in op.inputs if tensor >= 0 and graph.tensors[tensor].data is not None]
    if _op_macs(graph, op):
        return constants
    return [tensor for tensor in constants if graph.tensors[tensor].dtype not in ("INT32", "INT64")]


def _op_macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of an operator."""
    shapes = [graph.tensors[tensor].shape if tensor >= 0 else () for tensor in op.inputs]
    output = graph.tensors[op.outputs[0]].size
    if op.kind in ("CONV_2D", "FULLY_CONNECTED"):  # weights [out, ...]
        return output * _size(shapes[1][1:])
    if op.kind == "DEPTHWISE_CONV_2D":  # [1, taps, bins, out]
        return output * _size(shapes[1][1:3])
    if op.kind == "TRANSPOSE_CONV":  # shape, weights [out, taps, bins, in], input: each input element spreads
        return _size(shapes[2]) * _size(shapes[1][:3])
    if op.kind == "BATCH_MATMUL":
        return output * shapes[0][-2 if op.options["adjoint_a"] else -1]
    return 0


def _times(frontend: FrontendConfig) -> tuple[float, float]:
    """Hop and window in ms."""
    return (
        1000 * frontend.hop_samples / frontend.sample_rate_hz,
        1000 * frontend.window_samples / frontend.sample_rate_hz,
    )


def _size(shape: Sequence[int]) -> int:
    return int(np.prod(shape))


# The table


def table(description: Description) -> str:
    """The description as text: a headline, a row for each layer, totals, and what follows from them."""
    columns, total = _COLUMNS[description.form], _TOTALS[description.form]
    lines = [[title for title, _ in columns]]
    lines += [[cell(description, layer) for _, cell in columns] for layer in description.layers]
    lines.append(total(description))
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    left = [title in _LEFT for title, _ in columns]

    def text(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(cells, widths, left, strict=True)
        ]
        return "  ".join(padded).rstrip()

    rule = "-" * len(text(["-" * width for width in widths]))
    body = [text(line) for line in lines]
    return "\n".join(
        [_headline(description), "", body[0], rule, *body[1:-1], rule, body[-1], "", *_footer(description)]
    )


def _headline(description: Description) -> str:
    shape = dimensions(description.input)
    if description.form == "batch":
        return f"{description.name}: one clip of {shape} features ({description.run_ms:,.0f} ms)"
    return f"{description.name}: one step of {shape} features ({description.run_ms:.0f} ms)"


def _footer(description: Description) -> list[str]:
    rate = f"{description.macs_per_second / 1e6:,.2f} million MACs per second of audio"
    if description.form == "batch":
        return [f"{rate}, if every second is computed once.", f"It does not stream: {description.reason}"]
    delay, unheard = (n * description.hop_ms for n in (description.delay_frames, description.unheard_frames))
    parts = f"step {description.run_ms:.0f} ms, delay {delay:.0f} ms"
    if unheard:
        parts += f", newest frames not heard {unheard:.0f} ms"
    lines = [f"{rate}.", f"Algorithmic latency {description.latency_ms:.0f} ms: {parts}."]
    receptive = description.receptive_frames
    if receptive is not None:
        lines.append(f"The output depends on {receptive} frames: {description.frames_ms(receptive):,.0f} ms of audio.")
    if description.model_bytes is not None:
        lines.append(f"The .tflite has {description.model_bytes:,} bytes.")
    return lines


def dimensions(shape: Sequence[int]) -> str:
    """``2 x 40``."""
    return " x ".join(map(str, shape))


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _receptive(description: Description, layer: Layer) -> str:
    frames = layer.receptive_frames
    return "-" if frames is None else f"{frames} / {description.frames_ms(frames):,.0f}"


def _states(layer: Layer) -> str:
    return ", ".join(f"{name} {dimensions(shape)}" for name, shape in layer.states.items())


_LEFT = ("Layer", "Operator", "Kind", "Output", "State")
_NAME = ("Layer", lambda d, layer: layer.name)
_KIND = ("Kind", lambda d, layer: layer.kind)
_OUTPUT = ("Output", lambda d, layer: dimensions(layer.output))
_PARAMETERS = ("Parameters", lambda d, layer: _number(layer.parameters))
_MACS = ("MACs", lambda d, layer: _number(layer.macs))
_COLUMNS: dict[str, list[tuple[str, Callable[[Description, Layer], str]]]] = {
    "streaming": [
        _NAME,
        _KIND,
        _OUTPUT,
        _PARAMETERS,
        _MACS,
        ("State int8 B", lambda d, layer: _number(layer.state_bytes)),
        ("float B", lambda d, layer: _number(_FLOAT_BYTES * layer.state_bytes)),
        ("Sees frames / ms", _receptive),
        ("Delay ms", lambda d, layer: _number(round(layer.delay_frames * d.hop_ms))),
    ],
    "batch": [_NAME, _KIND, _OUTPUT, _PARAMETERS, _MACS],
    "bundle": [
        ("Operator", lambda d, layer: layer.name.split()[0].rjust(3) + " " + layer.kind),
        _OUTPUT,
        _PARAMETERS,
        ("Weight B", lambda d, layer: _number(layer.weight_bytes or 0)),
        _MACS,
        ("State B", lambda d, layer: _number(layer.state_bytes)),
        ("State", lambda d, layer: _states(layer)),
    ],
}
_TOTALS: dict[str, Callable[[Description], list[str]]] = {
    "streaming": lambda d: [
        *("total", "", "", _number(d.parameters), _number(d.macs)),
        *(_number(d.state_elements), _number(_FLOAT_BYTES * d.state_elements), "", ""),
    ],
    "batch": lambda d: ["total", "", "", _number(d.parameters), _number(d.macs)],
    "bundle": lambda d: [
        *("total", "", _number(d.parameters), _number(sum(layer.weight_bytes or 0 for layer in d.layers))),
        *(_number(d.macs), _number(sum(layer.state_bytes for layer in d.layers)), ""),
    ],
}
