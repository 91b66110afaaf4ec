"""Dimensions that a kernel walks through, with a stride for each of its operands."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Axis:
    """One dimension.

    Attributes:
      count: positions.
      strides: elements from one position to the next, for each operand; 0 where an operand stays.
    """

    count: int
    strides: tuple[int, ...]


def contiguous(shape: Sequence[int]) -> list[int]:
    """Elements from one position to the next along each dimension of a tensor without gaps."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1]


def merged(counts: Sequence[int], *strides: Sequence[int]) -> tuple[Axis, ...]:
    """The same positions in the same order, with as few axes as possible.

    Args:
      counts: positions along each dimension, outermost first.
      strides: those of each operand.

    Returns:
      Axes of more than one position; neighbours that every operand walks through in equal steps are one.
    """
    axes: list[Axis] = []
    for count, *steps in zip(counts, *strides, strict=True):
        if count == 1:
            continue
        inner = Axis(count, tuple(steps))
        if axes and axes[-1].strides == tuple(step * count for step in steps):
            inner = Axis(axes.pop().count * count, inner.strides)
        axes.append(inner)
    return tuple(axes)


def filled_up(axes: tuple[Axis, ...], number: int, operands: int) -> tuple[Axis, ...]:
    """`number` axes, with axes of one position in front of the given ones.

    Raises:
      ValueError: there are more.
    """
    if len(axes) > number:
        raise ValueError(f"it has {len(axes)} dimensions that do not lie one behind the other, {number} are supported")
    return (Axis(1, (0,) * operands),) * (number - len(axes)) + axes
