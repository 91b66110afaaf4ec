"""Measures which input frames the outputs of a streaming model depend on, by changing them."""

from typing import Any

import keras
import numpy as np

STEPS = 64  # that a frame may take to an output
_SCALES = (0.3, 3.0, 100.0)


def newest_heard(model: Any) -> list[int]:
    """How old the newest frame is that the newest outputs depend on.

    A frame counts as heard if an output changes when the frame becomes NaN, which weights of zero let through as well,
    or another number, which operations let through that drop NaN.

    Args:
      model: a `StreamingModel`.

    Returns:
      For each output input frames: 0 if it depends on the newest frame of the step, 1 if that is the newest but one.
      0 as well for an output that no frame of `STEPS` steps changes.
    """
    found = _ages(model, [model.frames_per_step - 1], steps=1)  # mostly all
    if None in found:
        found = _ages(model, range(model.frames_per_step), STEPS)
    return [age or 0 for age in found]


def _ages(model: Any, frames: Any, steps: int) -> list[int | None]:
    """Changes each of these frames of one step, and looks at it and the steps behind."""
    frames, step, random = list(frames), model.frames_per_step, np.random.default_rng(0)
    size = (step, *model.input_shape[2:])
    changes = [np.nan, *_SCALES]
    features = np.repeat(random.standard_normal((1, *size)).astype(np.float32), 1 + len(frames) * len(changes), 0)
    for number, frame in enumerate(frames):
        for position, change in enumerate(changes):
            features[1 + number * len(changes) + position, frame] = change * random.standard_normal(size[1:])
    states: Any = model.initial_states(len(features))
    ages: list[int | None] = [None] * model.output_count
    for later in range(steps):
        outputs, states = model(features, states)
        for position, output in enumerate(keras.tree.flatten(outputs)):
            rows = np.asarray(output).reshape(len(features), -1)
            rounding = 1e-5 * np.abs(rows[0]).max()  # of equal rows beside others; `_SCALES` moves outputs by far more
            changed = ~(np.abs(rows[1:] - rows[0]) <= rounding).all(1)  # NaN counts as changed
            changed = changed.reshape(len(frames), len(changes)).any(1)
            if ages[position] is None and changed.any():
                newest = max(frame for frame, heard in zip(frames, changed, strict=True) if heard)
                ages[position] = later * step + step - 1 - newest
        if None not in ages:
            break
        features[1:] = features[:1] = random.standard_normal((1, *size))
    return ages
