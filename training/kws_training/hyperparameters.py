"""Numbers that somebody sets: fields of dataclasses that carry what ``--help`` says of them."""

import dataclasses
from collections.abc import Callable
from typing import Any

_HELP, _UNIT = "help", "unit"
_KINDS: tuple[Callable[[str], Any], ...] = (int, float)


def hyperparameter(default: Any, text: str, unit: str = "N") -> Any:
    """A field of a dataclass with a default and an explanation.

    Args:
      default: its value where none is given.
      text: what it means, without a full stop.
      unit: of the number, as ``--help`` shows it behind the option.
    """
    return dataclasses.field(default=default, metadata={_HELP: text, _UNIT: unit})


@dataclasses.dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter of a dataclass.

    Attributes:
      kind: int or float.
      default: its default.
      text: what it means.
      unit: of the number; N where it has none.
    """

    kind: Callable[[str], Any]
    default: Any
    text: str
    unit: str


def hyperparameters_of(cls: type) -> dict[str, Hyperparameter]:
    """The int and float fields of a class that were made by `hyperparameter`, by name, in their order."""
    return {
        field.name: Hyperparameter(field.type, field.default, field.metadata[_HELP], field.metadata[_UNIT])
        for field in dataclasses.fields(cls)
        if field.type in _KINDS and _HELP in field.metadata
    }
