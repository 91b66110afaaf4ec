"""Describes a model that only takes whole clips."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers
from kws_reference.frontend.config import FrontendConfig

from kws_training.inspect.description import INPUT, Description, Layer, size, times
from kws_training.streaming import Stream
from kws_training.streaming.macs import count_macs


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
    return Description(name, "batch", (frames, *shape[2:]), tuple(rows), outputs, *times(frontend), reason=reason)


def _kind(operation: Any) -> str:
    kind = type(operation).__name__
    inner = operation.cell if isinstance(operation, Stream) else getattr(operation, "forward_layer", None)
    return f"{kind}({type(inner).__name__})" if inner else kind


def _batch_macs(operation: Any, call: Any, known: Callable[[Any], tuple[int, ...]]) -> int:
    if isinstance(operation, layers.RNN | layers.Bidirectional):  # a loop of the graph, with one product a frame
        kernels = [weight for weight in operation.weights if weight.name.endswith("kernel")]
        return known(call.input_tensors[0])[1] * sum(size(kernel.shape) for kernel in kernels)
    symbols = call.input_tensors

    def run(*tensors: Any) -> Any:
        given = {id(symbol): tensor for symbol, tensor in zip(symbols, tensors, strict=True)}
        args, kwargs = call.arguments.fill_in(given)
        return operation(*args, **kwargs)

    return count_macs(run, *map(known, symbols))
