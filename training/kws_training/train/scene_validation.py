"""How well a model hears keywords among what speech is allowed to raise: the number that chooses the best epoch."""

import dataclasses

import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.clips import ClipSet
from kws_training.data.features import quantize_features
from kws_training.data.scenes.material import Material
from kws_training.data.scenes.moments import Grid, underway_or_passed
from kws_training.data.scenes.render import CHUNK_SCENES, render_scenes
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.train.listening import HeardSpeech, heard_samples, peaks_apart
from kws_training.train.pooled_model import PooledModel

RATES = (10, 20, 50, 100)
"""False accepts per hour of validation speech at which the recall counts."""
SCENES = 512
_SEED = 0
_MEAN_MOMENTS = 3  # as a detector takes the mean over 0.2 s
_REST_MOMENTS = 12  # between two false accepts


class SceneValidation:
    """Speech of validation speakers, and scenes with keywords of validation clips.

    Args:
      speech: not trained on.
      clips: not trained on, with keywords.
      frontend: with statistics.
      config: how scenes are drawn.
    """

    def __init__(self, speech: SpeechSet, clips: ClipSet, frontend: FrontendConfig, config: SceneConfig):
        self._heard, self._frontend, self._config = HeardSpeech(speech, frontend, kept=True), frontend, config
        self._keywords = list(clips.label_names.keyword_rows)
        beds = {} if len(speech) else {"pauses": 0.0, "competing": 0.0}
        only_keywords = dataclasses.replace(
            config, speech=0.0, words=1.0, keywords=1.0, time_masks=0, feature_masks=0, **beds
        )
        material = Material.of(speech, clips)
        chunks = range(SCENES // CHUNK_SCENES) if material.keywords and len(speech) else ()
        rendered = [render_scenes(material, CHUNK_SCENES, _SEED, 0, chunk, only_keywords, frontend) for chunk in chunks]
        self._scenes = [quantize_features(features, frontend) for features, _ in rendered]
        self._right = np.concatenate([right for _, right in rendered]) if rendered else np.zeros((0, 1, 1), np.uint8)
        self._ends = Grid.of(config, frontend).ends

    def __call__(self, model: PooledModel) -> dict[str, float]:
        """Entries of the history; none without validation speech or keywords.

        Returns:
          ``val_recall``: share of the scenes whose keyword is heard at the thresholds that let `RATES` false accepts an
          hour through, the mean over these. ``val_false_accepts`` an hour and ``val_heard``, share of the scenes: both
          at a threshold of 0.7.
        """
        hours = self._heard.speech.hours
        if not len(self._heard.speech) or not self._scenes:
            return {}
        peaks = self._peaks(model)
        heights = self._heights(model)
        thresholds = [peaks[count] if (count := int(rate * hours)) < len(peaks) else 0.0 for rate in RATES]
        return {
            "val_recall": float(np.mean([(heights > threshold).mean() for threshold in thresholds])),
            "val_false_accepts": float((peaks > 0.7).sum() / hours),
            "val_heard": float((heights > 0.7).mean()),
        }

    def _peaks(self, model: PooledModel) -> np.ndarray:
        """Heights of what speech raises, the highest first; a second and more apart, not where keywords are said."""
        peaks: list[float] = []
        for said, outputs in zip(self._heard.speech.said, self._heard.probabilities(model), strict=True):
            level = _smoothed(outputs)[:, self._keywords].max(1)
            times = heard_samples(len(level), self._frontend)
            for begin, end in said:
                level[underway_or_passed(times, begin, end, self._config)] = 0
            peaks += [float(level[place]) for place in peaks_apart(level, _REST_MOMENTS)]
        return np.sort(np.array(peaks))[::-1]

    def _heights(self, model: PooledModel) -> np.ndarray:
        """How high the right keyword rises in each scene."""
        outputs = np.concatenate([model.probabilities(scenes, self._ends) for scenes in self._scenes])
        smoothed = np.stack([_smoothed(scene) for scene in outputs])
        right = self._right.copy()
        right[:, :, [row for row in range(right.shape[2]) if row not in self._keywords]] = 0
        return (smoothed * right).max((1, 2))


def _smoothed(outputs: np.ndarray) -> np.ndarray:
    """The mean of the last moments, as many as there are at the beginning."""
    total = np.cumsum(np.pad(outputs, ((_MEAN_MOMENTS, 0), (0, 0))), 0, dtype=np.float64)
    counts = np.minimum(np.arange(1, len(outputs) + 1), _MEAN_MOMENTS)[:, None]
    return (total[_MEAN_MOMENTS:] - total[:-_MEAN_MOMENTS]) / counts
