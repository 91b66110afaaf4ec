"""Refuses models that compute in other numbers than float32: a stream would read their weights as what they are not."""

from typing import Any

import keras

from kws_training.streaming.keras_graph import is_functional
from kws_training.streaming.layer import refuse


def check_arithmetic(model: Any) -> None:
    """Looks at every layer of a model, those inside of `Stream` and of nested models too.

    Raises:
      CannotStream: Keras has quantized a layer (``model.quantize``), or it computes in float16, bfloat16 or float64.
    """
    for layer in model._flatten_layers() if isinstance(model, keras.Model) else ():
        mode = getattr(layer, "quantization_mode", None) or getattr(layer.dtype_policy, "quantization_mode", None)
        if mode:
            refuse(
                layer,
                f"Keras has quantized it ({mode}): stream the float model, kws_training.convert.integer quantizes that",
            )
        if is_functional(layer) or isinstance(layer, keras.layers.InputLayer):
            continue  # computes nothing itself
        for dtype in {layer.compute_dtype, layer.variable_dtype}:
            if "float" in dtype and dtype != "float32":
                refuse(layer, f"it computes in {dtype}, a stream in float32: build it with dtype='float32'")
