"""Streaming-aware models: written once, trained on whole clips, run frame by frame with the same numbers.

Functional API: `Stream` around Keras layers, `Delay`, `to_streaming`. Subclass API: `StreamingLayer`.
"""

from kws_training.streaming.attention import LocalSelfAttention
from kws_training.streaming.delay import Delay
from kws_training.streaming.graph import to_streaming
from kws_training.streaming.layer import CannotStream, Context, StateSpec, Streaming, StreamingLayer
from kws_training.streaming.model import StreamingModel
from kws_training.streaming.stream import Stream

__all__ = [
    "CannotStream",
    "Context",
    "Delay",
    "LocalSelfAttention",
    "StateSpec",
    "Stream",
    "Streaming",
    "StreamingLayer",
    "StreamingModel",
    "to_streaming",
]
