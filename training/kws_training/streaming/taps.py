"""Which input frames the frames of a step depend on: what a latency is made of."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

Taps = list[Sequence[int]]
"""For each output frame of a step the input frames that it depends on; 0 is the step's first, earlier ones below."""

_STEPS = 64  # that a frame may take to an output of a layer of somebody's own
_SCALES = (0.3, 3.0, 100.0)


def newest(heard: list[float], taps: Taps | None, step: int) -> list[float]:
    """The newest frame of the model's input behind each output of a layer.

    Args:
      heard: the same for each frame that a step brings the layer, counted from the step's first input frame; -inf where
        there is none.
      taps: of the layer; None if it works on each frame by itself.
      step: input frames of a step.
    """
    if taps is None:
        return heard
    return [max((heard[tap % len(heard)] + tap // len(heard) * step for tap in row), default=-np.inf) for row in taps]


def found_taps(
    run: Callable[[Any, Any], tuple[Any, Any]], states: Callable[[int], Any], shape: tuple[int, ...], ended: bool
) -> Taps:
    """Finds the newest tap of each output by changing the frames of one step.

    A frame counts if an output changes when the frame becomes NaN, which weights of zero let through as well, or
    another number, which operations let through that drop NaN.

    Args:
      run: one step: inputs ``[batch, frames, ...]`` and states to outputs ``[batch, ...]`` and states.
      states: the first ones of a batch.
      shape: of one stream's inputs in a step, ``(frames, ...)``.
      ended: the outputs have no time axis; they count as one frame.

    Returns:
      One tap for each output frame, none for one that no frame of `_STEPS` steps changes.
    """
    frames, random = shape[0], np.random.default_rng(0)
    changes = [np.nan, *_SCALES]
    inputs = np.repeat(random.standard_normal((1, *shape)).astype(np.float32), 1 + frames * len(changes), 0)
    for position, change in enumerate(changes):
        for frame in range(frames):
            inputs[1 + position * frames + frame, frame] = change * random.standard_normal(shape[1:])
    taps: Taps = []
    state = states(len(inputs))
    for later in range(_STEPS):
        outputs, state = run(inputs, state)
        rows = np.asarray(outputs)
        rows = rows.reshape(len(inputs), 1 if ended else rows.shape[1], -1)
        rounding = 1e-5 * np.abs(rows[0]).max()  # of equal rows beside others; `_SCALES` moves outputs by far more
        changed = ~(np.abs(rows[1:] - rows[0]) <= rounding).all(2)  # NaN counts as changed
        changed = changed.reshape(len(changes), frames, -1).any(0)
        taps = taps or [[] for _ in range(changed.shape[1])]
        for row, by in enumerate(changed.T):
            if by.any() and not taps[row]:
                taps[row] = [int(np.flatnonzero(by).max()) - later * frames]
        if all(taps):
            break
        inputs = np.repeat(random.standard_normal((1, *shape)).astype(np.float32), len(inputs), 0)
    return taps


def zeros(specs: Any, batch: int) -> Any:
    """States of a batch with their first values, nested as their specifications."""
    return keras.tree.map_structure(lambda spec: np.full((batch, *spec.shape), spec.initial, np.float32), specs)
