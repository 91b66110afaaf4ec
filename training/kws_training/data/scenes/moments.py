"""The moments of a scene at which the network is asked, and what it should say then."""

import dataclasses

import numpy as np
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import SILENCE, UNKNOWN, LabelSet

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ
from kws_training.data.scenes.scene_config import SceneConfig

_RECOGNISABLE = 0.25
"""Share of a keyword behind which it may be told, and before which it must not be."""
_WINDOW_SAMPLES, _LEAST_HEARD_SAMPLES = 17_000, 3200
"""A keyword that began earlier than this before a moment has left the window; a long one is a target for 0.2 s."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """When the network is asked.

    Attributes:
      frames: of a scene.
      samples: of a scene.
      ends: frames heard at each moment.
      times: samples heard at each moment.
    """

    frames: int
    samples: int
    ends: tuple[int, ...]
    times: np.ndarray

    @classmethod
    def of(cls, config: SceneConfig, frontend: FrontendConfig) -> "Grid":
        """The grid of a configuration: the first moment is when a clip has been heard."""
        hop, window = frontend.hop_samples, frontend.window_samples
        first = frontend.frame_count(CLIP_SAMPLES)
        ends = tuple(range(first, config.frames + 1, config.moment_step))
        times = (np.array(ends, np.int64) - 1) * hop + window
        return cls(config.frames, (config.frames - 1) * hop + window, ends, times)


@dataclasses.dataclass(frozen=True)
class Told:
    """What is known about a scene.

    Attributes:
      keyword: first sample of the keyword, first sample behind it, and its label; None: there is none.
      ignored: int64 ``[spans, 2]`` in samples, where a keyword may be heard that nobody asks for.
      silent: nobody speaks.
    """

    keyword: tuple[int, int, int] | None = None
    ignored: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 2), np.int64))
    silent: bool = False


def targets(told: Told, grid: Grid, labels: LabelSet, config: SceneConfig) -> np.ndarray:
    """Which labels are right at each moment.

    A keyword is right from its end on, for ``heard_s`` seconds. While it is said, and until ``passed_s`` seconds after
    it, nothing is asked; the same around `Told.ignored`. At all other moments silence and unknown words are both right:
    which of the two is nobody's concern where one goes over into the other; in a silent scene silence alone.

    Args:
      told: about the scene.
      grid: moments.
      labels: of the model.
      config: seconds.

    Returns:
      uint8 ``[moments, labels]``: 1 for each right label; a moment without any is not asked.
    """
    right = np.zeros((len(grid.times), len(labels)), np.uint8)
    nobody = [row for row in labels.rows_of((SILENCE,) if told.silent else (SILENCE, UNKNOWN)) if row is not None]
    right[:, nobody] = 1
    for begin, end in told.ignored:
        right[underway_or_passed(grid.times, begin, end, config)] = 0
    if told.keyword:
        begin, end, label = told.keyword
        asked = right.any(1)
        right[underway_or_passed(grid.times, begin, end, config)] = 0
        behind = grid.times - end
        latest = max(_LEAST_HEARD_SAMPLES, begin + _WINDOW_SAMPLES - end)
        heard = (behind >= 0) & (behind <= min(config.heard_s * SAMPLE_RATE_HZ, latest))
        right[heard & asked, label] = 1
    return right


def underway_or_passed(times: np.ndarray, begin: int, end: int, config: SceneConfig) -> np.ndarray:
    """At which of these sample times a word is partly heard, or was within ``passed_s``: bool of the same shape."""
    first = begin + _RECOGNISABLE * (end - begin)
    return (times > first) & (times < end + config.passed_s * SAMPLE_RATE_HZ)
