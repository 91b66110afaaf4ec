"""A converted model: its bytes, and the tensors that the manifest names."""

import dataclasses

from kws_reference.bundle import Endpoint, State

from kws_training.convert.float_operators import FloatOperator


@dataclasses.dataclass(frozen=True)
class ConvertedModel:
    """A converted model.

    Attributes:
      data: bytes of the ``.tflite``.
      features, scores: its data tensors.
      states: its states, in the order of the streaming model.
      valid: the input that tells which frames are in the clip; None unless the model looks ahead.
      float_operators: those that the converter has no integers for; only there where they were allowed.
    """

    data: bytes
    features: Endpoint
    scores: Endpoint
    states: tuple[State, ...]
    valid: Endpoint | None = None
    float_operators: tuple[FloatOperator, ...] = ()
