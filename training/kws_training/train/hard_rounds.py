"""Rounds of hard negatives: the model so far listens to the training speech as a device would, in one pass."""

import numpy as np
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import LabelSet

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.scenes.hard_moments import HardMoments
from kws_training.data.scenes.moments import underway_or_passed
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.train.listening import HeardSpeech, heard_samples, peaks_apart
from kws_training.train.pooled_model import PooledModel

MOST = 20_000
"""Moments that a round keeps: the highest."""
_REST_MOMENTS = 5


def rounds_of(config: SceneConfig, epochs: int, first: bool) -> tuple[int, ...]:
    """Numbers of finished epochs behind which the model listens: a half, three quarters, seven eighths, ... of all.

    Args:
      config: how often.
      epochs: in all.
      first: the model knows the keywords already, and listens before the first epoch too.
    """
    found = {round(epochs * (1 - 0.5**number)) for number in range(1, config.hard_rounds + 1)}
    found = {number for number in found if 0 < number < epochs - 1} | ({0} if first and config.hard_rounds else set())
    return tuple(sorted(found))


def listen(
    model: PooledModel, speech: SpeechSet, labels: LabelSet, frontend: FrontendConfig, config: SceneConfig
) -> HardMoments:
    """Lets a model hear the speech; where a keyword is said, or has just been, it may be heard.

    Args:
      model: so far.
      speech: to train with.
      labels: of the model.
      frontend: with statistics.
      config: what counts as raised, and what is believed.

    Returns:
      Moments half a second and more apart.
    """
    raised: list[tuple[int, int, float]] = []
    believed: list[tuple[int, int, int]] = []
    for index, outputs in enumerate(HeardSpeech(speech, frontend).probabilities(model)):
        level = outputs[:, list(labels.keyword_rows)].max(1).astype(np.float64)
        times = heard_samples(len(level), frontend)
        for begin, end in speech.said[index]:
            level[underway_or_passed(times, begin, end, config)] = 0
        level[level < config.hard_level] = 0
        for place in peaks_apart(level, _REST_MOMENTS):
            time = int(times[place])
            if not speech.known[index] and level[place] > config.believed:
                believed.append((index, time - SAMPLE_RATE_HZ, time))
            else:
                raised.append((index, time, float(level[place])))
    raised = sorted(sorted(raised, key=lambda item: -item[2])[:MOST])
    return HardMoments(
        recordings=np.array([item[0] for item in raised], np.int64),
        samples=np.array([item[1] for item in raised], np.int64),
        heights=np.array([item[2] for item in raised], np.float64),
        believed=np.array(sorted(believed), np.int64).reshape(-1, 3),
    )
