"""Rounds of hard negatives: the model so far listens to the training speech; what raises a keyword is kept."""

import logging
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import LabelSet

from kws_training.data.scenes.material import HardMoments
from kws_training.data.scenes.moments import underway_or_passed
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.train.listening import STEP_FRAMES, HeardSpeech
from kws_training.train.pooled_model import PooledModel
from kws_training.train.scene_validation import peaks_apart

log = logging.getLogger(__name__)

MOST = 20_000
"""Moments that a round keeps: the highest."""
_REST_MOMENTS = 5


def rounds_of(config: SceneConfig, epochs: int) -> tuple[int, ...]:
    """Numbers of finished epochs behind which the model listens: a half, three quarters, seven eighths, ... of all."""
    found = {round(epochs * (1 - 0.5**number)) for number in range(1, config.hard_rounds + 1)}
    return tuple(sorted(number for number in found if 0 < number < epochs - 1)) if config.hard_share else ()


def listen(
    model: PooledModel, speech: SpeechSet, labels: LabelSet, frontend: FrontendConfig, config: SceneConfig
) -> tuple[HardMoments, np.ndarray]:
    """Lets a model hear the speech; where a keyword is said, or has just been, it may be heard.

    Args:
      model: so far.
      speech: to train with.
      labels: of the model.
      frontend: with statistics.
      config: what counts as raised.

    Returns:
      The moments, half a second and more apart, and how high a keyword rose at each, float64 ``[moments]``.
    """
    recordings, samples, heights = [], [], []
    hop, window = frontend.hop_samples, frontend.window_samples
    keywords = list(labels.keyword_rows)
    for index, outputs in enumerate(HeardSpeech(speech, frontend).probabilities(model)):
        level = outputs[:, keywords].max(1).astype(np.float64)
        times = (np.arange(1, len(level) + 1) * STEP_FRAMES - 1) * hop + window
        for begin, end in speech.said[index]:
            level[underway_or_passed(times, begin, end, config)] = 0
        level[level < config.hard_level] = 0
        for place in peaks_apart(level, _REST_MOMENTS):
            recordings.append(index)
            samples.append(times[place])
            heights.append(level[place])
    highest = np.sort(np.argsort(-np.array(heights), kind="stable")[:MOST])
    moments = HardMoments(np.array(recordings, np.int64)[highest], np.array(samples, np.int64)[highest])
    return moments, np.array(heights)[highest]


def file_name(finished: int) -> str:
    """Of the moments of a round, in the run's folder."""
    return f"hard_moments_{finished:03}.npz"


def read(file: Path) -> HardMoments:
    """The moments of a round.

    Raises:
      KwsError: the file is damaged or missing.
    """
    try:
        with np.load(file) as arrays:
            return HardMoments(arrays["recordings"], arrays["samples"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise KwsError(
            f"{file} is missing or damaged ({error}): the epochs behind it were trained with it. Restore it, or train "
            "anew with another --out."
        ) from None
