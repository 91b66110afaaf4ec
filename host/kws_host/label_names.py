"""What a label's number is called."""

from collections.abc import Sequence


def name_of(labels: Sequence[str], index: int) -> str:
    """The label of a number; "label N" of one that the model does not have, as another model's events may bring."""
    return labels[index] if 0 <= index < len(labels) else f"label {index}"
