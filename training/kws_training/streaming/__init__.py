"""Streaming-aware models: written once, trained on whole clips, run frame by frame with the same numbers.

Functional API: `Stream` around Keras layers, `Delay`, `to_streaming`. Subclass API: `StreamingLayer`.
"""

from kws_training.streaming.delay import Delay
from kws_training.streaming.layer import CannotStream, Context, StateSpec, StreamingLayer
from kws_training.streaming.stream import Stream

__all__ = ["CannotStream", "Context", "Delay", "StateSpec", "Stream", "StreamingLayer"]
