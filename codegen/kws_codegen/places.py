"""Where the activations of a step lie."""

import dataclasses


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
    """All rows of a window: the old ones, then those that this step adds. `state` counts the program's buffers."""

    state: int


@dataclasses.dataclass(frozen=True)
class NewRows:
    """The rows that this step adds to a window."""

    state: int


Place = Features | Scores | ScratchValue | StateRows | NewRows
