"""The labels of a model by name: nothing may depend on where silence and unknown words stand, or on that they do."""

import dataclasses
from collections.abc import Sequence

SILENCE, UNKNOWN = "_silence_", "_unknown_"


@dataclasses.dataclass(frozen=True)
class LabelSet:
    """Labels in the order of a model's scores.

    Attributes:
      names: all of them.
    """

    names: tuple[str, ...]

    @property
    def keyword_rows(self) -> tuple[int, ...]:
        """Rows of the labels that are neither silence nor unknown words."""
        return tuple(row for row, name in enumerate(self.names) if name not in (SILENCE, UNKNOWN))

    @property
    def keywords(self) -> tuple[str, ...]:
        """Their names, in the model's order."""
        return tuple(self.names[row] for row in self.keyword_rows)

    def row(self, name: str) -> int | None:
        """The row of a label, None if the model has it not."""
        return self.names.index(name) if name in self.names else None

    @property
    def row_of_kind(self) -> tuple[int | None, ...]:
        """The row of each class of the training side: silence, unknown words, then `keywords`.

        Silence of which a model knows nothing is, like any folder that is none of its labels, an unknown word.
        """
        unknown = self.row(UNKNOWN)
        silence = self.row(SILENCE)
        return (unknown if silence is None else silence, unknown, *self.keyword_rows)

    @property
    def kind_of_row(self) -> tuple[int, ...]:
        """Of each row the class of the training side: 0 silence, 1 unknown words, from 2 on `keywords`."""
        classes = (SILENCE, UNKNOWN, *self.keywords)
        return tuple(classes.index(name) for name in self.names)


def label_set(names: Sequence[str]) -> LabelSet:
    """The labels of a bundle or a run. Args: names: in the order of its scores."""
    return LabelSet(tuple(names))
