"""What a model is made of: a row for each layer or operator, with totals and what follows from them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from kws_reference.frontend.kinds import AnyFrontendConfig

INPUT = "features"


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
        return sum(size(shape) for layer in self.layers for shape in layer.states.values())

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


def times(frontend: AnyFrontendConfig) -> tuple[float, float]:
    """Hop and window of a front end in ms."""
    return (
        1000 * frontend.hop_samples / frontend.sample_rate_hz,
        1000 * frontend.window_samples / frontend.sample_rate_hz,
    )


def size(shape: Sequence[int]) -> int:
    """Elements of a shape."""
    return int(np.prod(shape))
