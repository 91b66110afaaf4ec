"""Where the activations of a step lie."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Features:
    """The caller's int8 features of this step."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """The caller's int8 scores."""


@dataclasses.dataclass(frozen=True)
class ScratchValue:
    """A value in the scratch memory, by its number in `Program.values`."""

    index: int


@dataclasses.dataclass(frozen=True)
class StateRows:
    """All rows of a state; of a window the old ones, then those that this step adds. `state` counts the buffers."""

    state: int


@dataclasses.dataclass(frozen=True)
class NewRows:
    """The rows that this step adds to a window."""

    state: int


@dataclasses.dataclass(frozen=True)
class Part:
    """What lies in another place from `offset` bytes on; `of` is no part itself."""

    of: Features | Scores | ScratchValue | StateRows | NewRows
    offset: int


Place = Features | Scores | ScratchValue | StateRows | NewRows | Part


def whole(place: Place) -> Features | Scores | ScratchValue | StateRows | NewRows:
    """The place that a place is a part of, or the place itself."""
    return place.of if isinstance(place, Part) else place


def part(place: Place, offset: int) -> Place:
    """What lies in `place` from byte `offset` on."""
    offset += place.offset if isinstance(place, Part) else 0
    return Part(whole(place), offset) if offset else whole(place)


def describe(place: Place, states: Sequence[str]) -> str:
    """A place in words; `states`: names of the states."""
    match place:
        case Part(of, offset):
            return f"{describe(of, states)} + {offset}"
        case Features():
            return "features"
        case Scores():
            return "scores"
        case ScratchValue(index):
            return f"value {index}"
        case StateRows(state):
            return f"{states[state]}[all]"
        case NewRows(state):
            return f"{states[state]}[new]"
