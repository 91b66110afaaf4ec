"""Streaming-aware models: written once, trained on whole clips, run frame by frame with the same numbers.

Functional API: `Stream` around Keras layers, `Delay`, `to_streaming`. Subclass API: `StreamingLayer`. Ready layers that
Keras has not: `LocalSelfAttention`, `SVDF`, `SubSpectralNormalization`, `ProjectedLSTMCell`.
"""

from kws_training.streaming.attention import LocalSelfAttention
from kws_training.streaming.delay import Delay
from kws_training.streaming.graph import to_streaming
from kws_training.streaming.layer import CannotStream, Context, StateSpec, Streaming, StreamingLayer
from kws_training.streaming.model import StreamingModel
from kws_training.streaming.projected_lstm import ProjectedLSTMCell
from kws_training.streaming.stream import Stream
from kws_training.streaming.sub_spectral import SubSpectralNormalization
from kws_training.streaming.svdf import SVDF

__all__ = [
    "SVDF",
    "CannotStream",
    "Context",
    "Delay",
    "LocalSelfAttention",
    "ProjectedLSTMCell",
    "StateSpec",
    "Stream",
    "Streaming",
    "StreamingLayer",
    "StreamingModel",
    "SubSpectralNormalization",
    "to_streaming",
]
