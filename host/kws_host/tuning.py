"""Other thresholds and smoothing, put together from options and tried on recordings."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig, checked_detector
from kws_reference.detector.integer import ONE_Q15, Detection, Detector
from kws_reference.errors import KwsError
from kws_reference.labels import LabelSet

from kws_host.clips import Clip
from kws_host.device import Device

NEVER = "never"


@dataclasses.dataclass(frozen=True)
class Changes:
    """What a user wants otherwise. Levels are ``LABEL=P`` or ``P``, a posterior from 0 to 1 or ``never``.

    Attributes:
      thresholds, busy_thresholds, quiets, releases: levels; a bare one is that of every keyword.
      smoothing_steps, run_steps, refractory_steps, quiet_steps: None: as they are.
    """

    thresholds: tuple[str, ...] = ()
    busy_thresholds: tuple[str, ...] = ()
    quiets: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    smoothing_steps: int | None = None
    run_steps: int | None = None
    refractory_steps: int | None = None
    quiet_steps: int | None = None

    def apply(self, bundle: Bundle, config: DetectorConfig) -> DetectorConfig:
        """Returns changed settings.

        A release that nobody names keeps its share of the threshold, and a busy threshold is at least the threshold.

        Raises:
          KwsError: a level names no label or is none, or the settings contradict one another.
        """
        labels = bundle.labels
        threshold = _levels(labels, config, "--threshold", self.thresholds, config.threshold_q15)
        release = [
            held if new == old or held == NEVER_Q15 else held * new // max(old, 1)
            for held, old, new in zip(config.release_q15, config.threshold_q15, threshold, strict=True)
        ]
        busy = tuple(
            max(level, new) for level, new in zip(config.busy_threshold_q15 or threshold, threshold, strict=True)
        )
        if self.busy_thresholds:
            busy = _levels(labels, config, "--busy-threshold", self.busy_thresholds, busy)
        numbers = ("smoothing_steps", "run_steps", "refractory_steps", "quiet_steps")
        changed = dataclasses.replace(
            config,
            threshold_q15=threshold,
            release_q15=_levels(labels, config, "--release", self.releases, tuple(release)),
            quiet_q15=_levels(labels, config, "--quiet-level", self.quiets, config.quiet_q15),
            busy_threshold_q15=busy if busy != threshold else (),
            **{name: getattr(self, name) for name in numbers if getattr(self, name) is not None},
        )
        return checked_detector(changed, bundle.labels)


def _levels(
    labels: LabelSet, config: DetectorConfig, option: str, wanted: Sequence[str], levels: tuple[int, ...]
) -> tuple[int, ...]:
    """Levels of all labels, with those that the words name. A bare one is for keywords, and what else raises something.

    Keywords that are switched off are meant too: a bare level is how they are all switched on again.
    """
    found = list(levels)
    every = {*labels.keyword_rows, *(row for row, level in enumerate(config.threshold_q15) if level != NEVER_Q15)}
    for word in wanted:
        label, equals, text = word.rpartition("=")
        value = _level(option, word, text)
        if equals and label not in labels:
            raise KwsError(f"{option} names no label of the model. Received: {word!r}. Labels: {', '.join(labels)}.")
        for index, name in enumerate(labels):
            if name == label or not equals and index in every:
                found[index] = value
    return tuple(found)


def _level(option: str, word: str, text: str) -> int:
    if text == NEVER:
        return NEVER_Q15
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:  # nan is not
        raise KwsError(f"{option} takes LABEL=P or P, a posterior from 0 to 1 or {NEVER!r}. Received: {word!r}.")
    return round(share * ONE_Q15)


@dataclasses.dataclass(frozen=True)
class ClipTrial:
    """What one recording raised.

    Attributes:
      clip: the recording.
      before, after: indices of labels, with the settings of before and with the new ones.
      mismatches: events of the device with the new settings that are not the reference's.
    """

    clip: Clip
    before: tuple[int, ...]
    after: tuple[int, ...]
    mismatches: int


@dataclasses.dataclass(frozen=True)
class LabelTrial:
    """What a label raised in all recordings.

    Attributes:
      clips: recordings of the label.
      heard_before, heard_after: of those, that raised it.
      elsewhere_before, elsewhere_after: how often other recordings did.
    """

    clips: int
    heard_before: int
    heard_after: int
    elsewhere_before: int
    elsewhere_after: int


def try_out(
    device: Device,
    bundle: Bundle,
    before: DetectorConfig,
    clips: Sequence[Clip],
    audio: Sequence[np.ndarray],
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[ClipTrial]:
    """Streams recordings to a device that holds the new settings; those of before are tried on the scores it sends.

    Args:
      device: of the bundle's model.
      bundle: with the new settings.
      before: the settings to compare with.
      clips: the recordings.
      audio: int16 ``[samples]`` of each.
      on_progress: called with how many are done.
    """
    old, trials = dataclasses.replace(bundle, detector=before), []
    for clip, pcm in zip(clips, audio, strict=True):
        run = device.run(pcm)
        scores = [np.frombuffer(step.scores, np.int8) for step in run.steps]
        wanted = _detect(bundle, scores)
        seen = [Detection(event.step, event.label, event.smoothed_q15) for event in run.detections]
        differ = len(set(seen) ^ set(wanted))
        trials.append(ClipTrial(clip, _labels_of(_detect(old, scores)), _labels_of(seen), differ))
        on_progress(len(trials))
    return trials


def _detect(bundle: Bundle, scores: Sequence[np.ndarray]) -> list[Detection]:
    detector = Detector(bundle)
    return [event for row in scores if (event := detector.step(row))]


def _labels_of(events: Sequence[Detection]) -> tuple[int, ...]:
    return tuple(event.label for event in events)


def by_label(bundle: Bundle, trials: Sequence[ClipTrial]) -> dict[str, LabelTrial]:
    """Sums up a trial. Returns the labels that raise something, with settings of before or after."""
    found = {}
    for index, label in enumerate(bundle.labels):
        own = [trial for trial in trials if trial.clip.expected == label]
        others = [trial for trial in trials if trial.clip.expected != label]
        result = LabelTrial(
            len(own),
            sum(index in trial.before for trial in own),
            sum(index in trial.after for trial in own),
            sum(trial.before.count(index) for trial in others),
            sum(trial.after.count(index) for trial in others),
        )
        raised = result.heard_before + result.heard_after + result.elsewhere_before + result.elsewhere_after
        if raised or bundle.detector.threshold_q15[index] != NEVER_Q15:
            found[label] = result
    return found
