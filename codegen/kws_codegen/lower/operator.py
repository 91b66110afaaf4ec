"""What the generator knows of an operator: what it must have, and how it is lowered."""

import dataclasses
from collections.abc import Callable

from kws_reference.tflite.graph import Op

from kws_codegen.lower.lowering import Lowering


@dataclasses.dataclass(frozen=True)
class Operator:
    """An operator of TensorFlow Lite that the generator has a lowering for.

    Attributes:
      kind: TensorFlow Lite's name, for example ``CONV_2D``.
      lower: checks everything that it relies on and emits kernel calls, or refuses by name.
      required_inputs: inputs that the operator cannot do without; those behind them may be absent.
      max_inputs: most inputs that are read; None: those behind the known ones are ignored.
      needs_options: the operator means nothing without its options.
    """

    kind: str
    lower: Callable[[Lowering, Op], None]
    required_inputs: int
    max_inputs: int | None = None
    needs_options: bool = False
