"""What a model is quantized to: bits of its weights, the forward pass of training, where the ranges come from."""

import dataclasses
from typing import Any

from kws_reference.errors import KwsError

MODES = ("fake", "native")
RANGES = ("calibrated", "learned")
WEIGHT_BITS = (8, 6, 4)


@dataclasses.dataclass(frozen=True)
class Precision:
    """Argument of the layers in `kws_training.quantize.layers`.

    Activations have 8 bits, one scale and zero point for each tensor. Weights are symmetric, with a scale for each
    output channel; those of 6 bits are kept in int8 tensors.

    Attributes:
      name: what ``--precision`` says.
      mode: ``"fake"`` trains with real numbers that are rounded to the grid (B. Jacob et al., "Quantization and
        Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", arXiv:1712.05877). ``"native"``
        computes in training what the device computes, bit for bit.
      pointwise_bits, depthwise_bits, dense_bits: of the weights: 8, 6 or 4. The first is that of all convolutions
        which are not depthwise, and of matrices where there is time.
      ranges: ``"calibrated"`` keeps the ranges of the activations as they were measured before training, and the
        weights' scales follow their largest values; ``"learned"`` starts there and trains the scales (S. K. Esser et
        al., "Learned Step Size Quantization", arXiv:1902.08153).
    """

    name: str
    mode: str = "fake"
    pointwise_bits: int = 8
    depthwise_bits: int = 8
    dense_bits: int = 8
    ranges: str = "calibrated"

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
          KwsError: one is not among those above; the message names it.
        """
        for name, known in (("mode", MODES), ("ranges", RANGES)):
            if getattr(self, name) not in known:
                raise KwsError(f"{name} must be {' or '.join(known)}. Received: {getattr(self, name)!r}")
        for name in ("pointwise_bits", "depthwise_bits", "dense_bits"):
            if getattr(self, name) not in WEIGHT_BITS:
                raise KwsError(f"{name} must be 8, 6 or 4. Received: {getattr(self, name)!r}")
        if self.dense_bits == 4:
            raise KwsError("dense_bits must be 8 or 6: TFLite Micro takes no 4-bit dense layer with a scale per row.")

    @property
    def learned(self) -> bool:
        """Whether the scales are trained."""
        return self.ranges == "learned"

    def to_dict(self) -> dict[str, Any]:
        """JSON form; ``Precision(**values)`` reads it."""
        return dataclasses.asdict(self)


PRECISIONS: dict[str, Precision] = {
    item.name: item
    for item in (
        Precision("int8_fake"),
        Precision("int6_fake", pointwise_bits=6, depthwise_bits=6),
        Precision("int4_fake", pointwise_bits=4, depthwise_bits=4, ranges="learned"),
        Precision("int4_dw8_fake", pointwise_bits=4, ranges="learned"),
        Precision("int8_native", mode="native"),
        Precision("int4_native", mode="native", pointwise_bits=4, depthwise_bits=4, ranges="learned"),
        Precision("int4_dw8_native", mode="native", pointwise_bits=4, ranges="learned"),
    )
}


def precision(name: str) -> Precision:
    """Looks up a precision.

    Raises:
      KwsError: there is none of this name; the message lists those that there are.
    """
    if name not in PRECISIONS:
        raise KwsError(f"no precision is called {name!r}. Choose one of {', '.join(PRECISIONS)}.")
    return PRECISIONS[name]
