"""Detection on long recordings: recall, false accepts per hour, latency, and the thresholds that give a wanted rate.

Recordings go through the integer front end and the int8 streaming network once (`stream_scores`); the detector is then
run on the kept scores in vectorised form, for as many settings as wanted. It equals
`kws_reference.detector.integer.Detector`
step for step.
"""

import collections
import dataclasses
import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.audio.pcm import convert_rate
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, Bundle, DetectorConfig, write_bundle
from kws_reference.detector.integer import MAX_POSTERIOR_Q15, DetectorTables, detector_tables
from kws_reference.errors import KwsError
from kws_reference.frontend.integer import Mfcc
from kws_reference.labels import SILENCE, UNKNOWN, label_set
from kws_reference.network import batched as stacked_network
from kws_reference.network.oracle import Network
from kws_reference.system.workers import pool

from kws_training.convert.manifest import release_q15
from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.recordings import Piece, Recordings, Word

TOLERANCE_S = 1.0
"""A word may be detected up to this long after its end: the trained models look back on about a second."""

CAUSES = ("repeated", "other keyword", "unknown word", "noise")
_REPEATED, _KEYWORD, _UNKNOWN, _NOISE = range(len(CAUSES))
FOUND = -1
CHOICE_GRID_Q15 = (
    *(round(NEVER_Q15 * percent / 100) for percent in (*range(50, 90, 2), *range(90, 100))),
    round(NEVER_Q15 * 0.995),
    round(NEVER_Q15 * 0.998),
    round(NEVER_Q15 * 0.999),
    round(NEVER_Q15 * 0.9995),
    MAX_POSTERIOR_Q15,
    NEVER_Q15,
)
"""Thresholds that `choose` tries, rising: 0.50 (likelier than all else together) to 0.9995, the largest, never."""

CHOICE_REST_S = (0.8, 1.0, 1.2, 1.5)
"""Rests after a detection that `choose` tries: posteriors stay high for as long as the model looks back."""

CHOICE_SMOOTHING_S = (0.1, 0.2, 0.3, 0.4)
"""Lengths of the posteriors' mean that `choose` tries."""

CHOICE_SLACK = 0.01
"""A quicker detector is taken when it costs at most this much recall: shorter mean first, then shorter rest."""

LONGEST_MEAN_STEPS = 255
"""Of the firmware's detector."""

PRICES = tuple(10.0 ** np.linspace(1, -4, 101))
"""Recall that a false accept per hour is worth, falling, that `choose` tries."""

FEWEST_FALSE_ACCEPTS = 5
"""Thresholds are not chosen for fewer wanted events than this: their number would be chance."""

CONFIDENCE = 0.9
"""One-sided: with chosen settings, the upper bound of the rate of false accepts is the wanted rate."""

STACKED_PIECES = 40


# --- Scores ----------------------------------------------------------------------------------------------------------


def stream_scores(
    bundle: Bundle,
    recordings: Recordings,
    progress: Callable[[int], None] = lambda done: None,
    workers: int | None = None,
) -> list[np.ndarray]:
    """Runs each piece from a reset through the integer front end and the int8 network.

    Up to `STACKED_PIECES` pieces go side by side through `stacked_network`, of which TFLite Micro's interpreter repeats
    a part.

    Args:
      bundle: the model.
      recordings: what it hears, converted to the model's sample rate; each process renders its pieces.
      progress: called with the number of pieces done.
      workers: processes; None: one for each core.

    Returns:
      int8 ``[steps, labels]`` of each piece. A rest too short for a step is dropped.
    """
    workers = workers or os.cpu_count() or 1
    size = min(STACKED_PIECES, -(-len(recordings) // (2 * workers)))
    groups = [range(first, min(first + size, len(recordings))) for first in range(0, len(recordings), size)]
    scores: list[np.ndarray] = []
    with pool(min(workers, len(groups)), _start, bundle.path, recordings) as executor:
        for result in executor.map(_run, groups):
            scores += result
            progress(len(scores))
    return scores


_worker: dict[str, Any] = {}


def _start(path: Path, recordings: Recordings) -> None:
    bundle = Bundle.load(path)
    _worker["recordings"], _worker["bundle"], _worker["network"] = recordings, bundle, Network(bundle)
    _worker["mfcc"] = Mfcc(bundle.frontend, bundle.features.zero_point)


def _run(pieces: Sequence[int]) -> list[np.ndarray]:
    bundle, size = _worker["bundle"], _worker["bundle"].frames_per_step
    features = []
    for index in pieces:
        pcm = convert_rate(_worker["recordings"].pcm(index), SAMPLE_RATE_HZ, bundle.frontend.sample_rate_hz)
        frames = _worker["mfcc"].frames(pcm)
        steps = len(frames) // size
        features.append(frames[: steps * size].reshape(steps, size, -1))
    return stacked_network.scores(bundle, _worker["network"], features)


# --- Detector --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Top:
    """All that thresholds and releases are compared with.

    Attributes:
      label: label with the largest smoothed posterior after each step, int64 ``[steps]``.
      steps: for each label, the steps at which it is that label, int64, rising.
      smoothed_q15: for each label, its smoothed posterior at those steps, 0 to 32767, int64.
      all_q15: smoothed posteriors of all labels after all steps, int16 ``[labels, steps]``.
    """

    label: np.ndarray
    steps: tuple[np.ndarray, ...]
    smoothed_q15: tuple[np.ndarray, ...]
    all_q15: np.ndarray


def posteriors_q15(scores: np.ndarray, tables: DetectorTables) -> np.ndarray:
    """Posteriors of single steps, 0 to 32767, int64 ``[steps, labels]``, from int8 scores of that shape."""
    values = scores.astype(np.int64)
    exponential = tables.exp_q15.astype(np.int64)[values.max(1, keepdims=True) - values]
    return np.minimum((exponential << 15) // exponential.sum(1, keepdims=True), MAX_POSTERIOR_Q15)


def smoothed_sums(scores: np.ndarray, tables: DetectorTables) -> np.ndarray:
    """Sums of the last ``smoothing_steps`` posteriors, from a reset.

    Args:
      scores: int8 ``[steps, labels]``.
      tables: the detector's constants.

    Returns:
      int64 ``[steps, labels]``; divided by ``smoothing_steps`` (floor), the smoothed posteriors in Q15.
    """
    sums = np.cumsum(posteriors_q15(scores, tables), axis=0)
    sums[tables.smoothing_steps :] -= sums[: -tables.smoothing_steps].copy()
    return sums


def top(scores: np.ndarray, tables: DetectorTables) -> Top:
    """The detector's view of ``scores``, int8 ``[steps, labels]``, from a reset, whatever the thresholds."""
    sums = smoothed_sums(scores, tables)
    label = sums.argmax(1)
    steps = tuple(np.flatnonzero(label == row) for row in range(sums.shape[1]))
    smoothed = np.ascontiguousarray((sums // tables.smoothing_steps).T.astype(np.int16))
    of_top = tuple(smoothed[row, at].astype(np.int64) for row, at in enumerate(steps))
    return Top(label, steps, of_top, smoothed)


def detect(view: Top, detector: DetectorConfig) -> np.ndarray:
    """Steps at which detections are raised, int64 ``[detections]``; the label of each is ``view.label`` there.

    Args:
      view: of the scores, with the mean of ``detector.smoothing_steps``.
      detector: thresholds, releases and refractory period.
    """
    ready = _ready(view, detector)
    steps, label, rise = ready.T
    # A rise is raised once: what is ready next is the first step behind the refractory period, and of those that
    # belong to rises already raised, the first one behind. Following this chain visits few steps.
    after_rest = np.searchsorted(steps, steps + detector.refractory_steps + 1).tolist()
    ends = np.append(np.flatnonzero((ready[1:, 1:] != ready[:-1, 1:]).any(1)) + 1, len(ready))
    after_run = ends[np.searchsorted(ends, np.arange(len(ready)), side="right")].tolist()
    label, rise = label.tolist(), rise.tolist()
    chain, raised, at = [], {}, 0
    while at < len(ready):
        if raised.get(label[at]) == rise[at]:
            at = after_run[at]
            continue
        raised[label[at]] = rise[at]
        chain.append(at)
        at = after_rest[at]
    return steps[chain]


def _ready(view: Top, detector: DetectorConfig) -> np.ndarray:
    """All steps whose largest label reaches its threshold, whatever was raised before.

    Returns:
      int64 ``[ready, 3]`` in order of time: step; label; number of its rise, which is the number of steps up to there
      in which the label was below its release, the same for steps between which it never was.
    """
    found = [np.zeros((0, 3), np.int64)]
    for row, (threshold, release) in enumerate(zip(detector.threshold_q15, detector.release_q15, strict=True)):
        if threshold == NEVER_Q15:
            continue
        steps = view.steps[row][view.smoothed_q15[row] >= threshold]
        if not len(steps):
            continue
        rise = steps + 1
        if release < NOT_HELD_Q15:
            high = np.flatnonzero(view.all_q15[row] >= release)
            rise = rise - np.searchsorted(high, steps, side="right")
        found.append(np.stack([steps, np.full(len(steps), row), rise], axis=1))
    ready = np.concatenate(found)
    return ready[ready[:, 0].argsort()]


# --- Matching --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Heard:
    """Detections of a recording, matched with the words that were spoken.

    Attributes:
      spoken: keywords spoken, int64 ``[labels]``.
      found: those that were detected.
      false_accepts: int64 ``[labels, causes]``, see `CAUSES`.
      latency_s: from the word's end to the detection, float64 ``[found]``, in the order of `latency_label`.
      latency_label: label of each.
      clips: how many false accepts each clip raised that raised some, and 1 for each that belongs to none, int64.
      hours: length of the recording.
    """

    spoken: np.ndarray
    found: np.ndarray
    false_accepts: np.ndarray
    latency_s: np.ndarray
    latency_label: np.ndarray
    clips: np.ndarray
    hours: float

    @property
    def recall(self) -> float:
        """Share of all keywords spoken that was detected, 0..1."""
        return float(self.found.sum() / max(self.spoken.sum(), 1))

    @property
    def false_accepts_per_hour(self) -> float:
        """Detections per hour that are not the first one of a keyword."""
        return float(self.false_accepts.sum() / self.hours)

    @property
    def independent_false_accepts(self) -> float:
        """Number of Poisson events with the relative variance of the false accepts.

        Recordings repeat their clips, and a clip that is mistaken once is mistaken often: fewer independent events
        than there are false accepts, (sum n)^2 / sum n^2 for n of them of each clip.
        """
        return float(self.clips.sum() ** 2 / (self.clips**2).sum()) if len(self.clips) else 0.0

    @property
    def upper_rate(self) -> float:
        """Upper bound of the false accepts per hour, one-sided with `CONFIDENCE`."""
        return self._rate(poisson_bounds(self.independent_false_accepts, 0.0, CONFIDENCE)[1])

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the false accepts per hour, two-sided with 95 %."""
        low, high = poisson_bounds(self.independent_false_accepts, 0.025, 0.975)
        return self._rate(low), self._rate(high)

    def _rate(self, events: float) -> float:
        """False accepts per hour of a number of independent events."""
        independent = self.independent_false_accepts
        return events * (self.clips.sum() / independent if independent else 1.0) / self.hours

    def to_dict(self, labels: Sequence[str]) -> dict[str, Any]:
        """The figures for ``evaluation``'s JSON."""
        return {
            "hours": self.hours,
            "keywords": int(self.spoken.sum()),
            "recall": self.recall,
            "false_accepts": int(self.false_accepts.sum()),
            "false_accepts_independent": round(self.independent_false_accepts, 1),
            "false_accepts_per_hour": self.false_accepts_per_hour,
            "false_accepts_per_hour_95": list(self.interval),
            "false_accepts_by_cause": dict(zip(CAUSES, self.false_accepts.sum(0).tolist(), strict=True)),
            "latency_ms": _latency(self.latency_s),
            "labels": {
                label: {
                    "keywords": int(self.spoken[row]),
                    "recall": float(self.found[row] / self.spoken[row]) if self.spoken[row] else None,
                    "false_accepts": int(self.false_accepts[row].sum()),
                    "false_accepts_per_hour": float(self.false_accepts[row].sum() / self.hours),
                    "latency_ms": _latency(self.latency_s[self.latency_label == row]),
                }
                for row, label in enumerate(labels)
                if label not in (SILENCE, UNKNOWN)
            },
        }


class Listener:
    """The kept scores of a recording, on which any thresholds can be tried.

    A detection is raised when the last sample that its step needs has come in. It belongs to a keyword of its label
    when that moment lies between the word's first sample and its end plus ``tolerance_s``; the first keyword that is
    not yet detected takes it, and its latency counts from the word's end (negative: before). Every other detection is a
    false accept. Its cause is ``repeated`` if a keyword of its label, already detected, takes in the moment; else it is
    the word that began last among those that take it in (``other keyword`` or ``unknown word``); else ``noise``.

    Args:
      bundle: labels, timing and detector.
      pieces: what was spoken; their labels are classes of the recordings (`LabelSet.kind_of_row`), their samples those
        of `SAMPLE_RATE_HZ`, whatever order and rate the bundle has.
      scores: int8 ``[steps, labels]`` of each piece.
      smoothing_steps: of the detector; None: the bundle's.
      tolerance_s: seconds.
    """

    def __init__(
        self,
        bundle: Bundle,
        pieces: Sequence[Piece],
        scores: Sequence[np.ndarray],
        smoothing_steps: int | None = None,
        tolerance_s: float = TOLERANCE_S,
    ):
        self.bundle, self.pieces, self.scores = bundle, tuple(pieces), scores
        steps = smoothing_steps or bundle.detector.smoothing_steps
        self.tables = dataclasses.replace(detector_tables(bundle), smoothing_steps=steps)
        labels = label_set(bundle.labels)
        self._kinds, self._rows = labels.kind_of_row, labels.row_of_kind
        self._tolerance = round(tolerance_s * SAMPLE_RATE_HZ)
        self._views = [top(piece, self.tables) for piece in scores]
        self.hours = sum(piece.samples for piece in pieces) / SAMPLE_RATE_HZ / 3600
        self._spoken = np.zeros(len(bundle.labels), np.int64)
        for word in (word for piece in pieces for word in piece.words if word.label > 1):
            self._spoken[self._rows[word.label]] += 1

    def smoothed(self, smoothing_steps: int) -> "Listener":
        """The same scores behind another mean."""
        if smoothing_steps == self.tables.smoothing_steps:
            return self
        return Listener(self.bundle, self.pieces, self.scores, smoothing_steps, self._tolerance / SAMPLE_RATE_HZ)

    def matched(self, index: int, detector: DetectorConfig) -> list[tuple[int, int, Word | None, int]]:
        """Detections in a piece: the sample that raised each, its label, and what `match` says of it.

        Args:
          index: the piece.
          detector: thresholds, releases and refractory period; ``smoothing_steps`` must be the listener's.
        """
        view = self._views[index]
        steps = detect(view, detector)
        samples, labels = recorded_samples(self.bundle, steps).tolist(), view.label[steps].tolist()
        kinds = [self._kinds[row] for row in labels]
        matches = match(list(zip(samples, kinds, strict=True)), self.pieces[index].words, self._tolerance)
        return [(*detection, *found) for *detection, found in zip(samples, labels, matches, strict=True)]

    def heard(self, detector: DetectorConfig) -> Heard:
        """Recall, false accepts and latency with these settings."""
        if detector.smoothing_steps != self.tables.smoothing_steps:
            raise ValueError(
                f"smoothing_steps must be {self.tables.smoothing_steps}. Received: {detector.smoothing_steps}"
            )
        found = np.zeros(len(self.bundle.labels), np.int64)
        false_accepts = np.zeros((len(self.bundle.labels), len(CAUSES)), np.int64)
        latency, latency_label, clips = [], [], collections.Counter()
        for index in range(len(self.pieces)):
            for sample, label, word, cause in self.matched(index, detector):
                if cause != FOUND:
                    false_accepts[label, cause] += 1
                    clips[(index, sample) if word is None else word.clip] += 1
                else:
                    found[label] += 1
                    latency.append((sample - word.end) / SAMPLE_RATE_HZ)
                    latency_label.append(label)
        return Heard(
            self._spoken,
            found,
            false_accepts,
            np.array(latency, np.float64),
            np.array(latency_label, int),
            np.array(list(clips.values()), np.int64),
            self.hours,
        )

    def curve(self, threshold_q15: Sequence[int], refractory_steps: int, label: int | None = None) -> list[Heard]:
        """One result for each threshold, common to all keywords, or of one label while no other one is raised."""
        settings = [common_thresholds(self.bundle.labels, threshold, label) for threshold in threshold_q15]
        return [self.heard(with_releases(self.tables.smoothing_steps, refractory_steps, each)) for each in settings]


def step_end_samples(bundle: Bundle, steps: np.ndarray) -> np.ndarray:
    """Samples that have come in when a step is computed, for step indices from 0."""
    frontend = bundle.frontend
    last_frame = (np.asarray(steps, np.int64) + 1) * bundle.frames_per_step - 1
    return frontend.window_samples + last_frame * frontend.hop_samples


def recorded_samples(bundle: Bundle, steps: np.ndarray) -> np.ndarray:
    """`step_end_samples` on the recordings' clock of `SAMPLE_RATE_HZ`, rounded up."""
    return -(-step_end_samples(bundle, steps) * SAMPLE_RATE_HZ // bundle.frontend.sample_rate_hz)


def match(
    detections: Sequence[tuple[int, int]], words: Sequence[Word], tolerance: int
) -> list[tuple[Word | None, int]]:
    """Matches detections with words by `Listener`'s rule.

    Args:
      detections: (sample, class as in `Word.label`), in order of time.
      words: in order of time.
      tolerance: samples.

    Returns:
      For each detection the keyword that it found and `FOUND`; or the word that raised it wrongly (None: no word) and
      the index of the cause in `CAUSES`.
    """
    result: list[tuple[Word | None, int]] = []
    taken: set[int] = set()
    first = 0
    for sample, label in detections:
        while first < len(words) and words[first].end + tolerance < sample:
            first += 1
        near = []
        for position in range(first, len(words)):
            if words[position].start > sample:
                break
            if sample <= words[position].end + tolerance:
                near.append(position)
        # Only keywords can be found: a detection of silence or of an unknown word is a false accept.
        same = [position for position in near if words[position].label == label > 1]
        fresh = [position for position in same if position not in taken]
        if fresh:
            taken.add(fresh[0])
            result.append((words[fresh[0]], FOUND))
        elif same:
            result.append((words[same[-1]], _REPEATED))
        else:
            others = [words[position] for position in near if words[position].label > 0]
            cause = _NOISE if not others else _KEYWORD if others[-1].label > 1 else _UNKNOWN
            result.append((others[-1] if others else None, cause))
    return result


# --- Thresholds ------------------------------------------------------------------------------------------------------


def common_thresholds(labels: Sequence[str], threshold_q15: int, only: int | None = None) -> tuple[int, ...]:
    """The same threshold for every keyword (or for one alone); silence and unknown words are never raised."""
    return tuple(
        NEVER_Q15 if label in (SILENCE, UNKNOWN) or only not in (None, row) else threshold_q15
        for row, label in enumerate(labels)
    )


def with_releases(smoothing_steps: int, refractory_steps: int, threshold_q15: Sequence[int]) -> DetectorConfig:
    """Settings with the releases that the kit gives these thresholds."""
    return DetectorConfig(smoothing_steps, refractory_steps, tuple(threshold_q15), release_q15(threshold_q15))


def curve_thresholds() -> list[int]:
    """Thresholds of a DET curve, Q15, falling: dense near 1, where posteriors crowd."""
    below_one = 10.0 ** np.linspace(-4.0, np.log10(0.8), 48)
    return [MAX_POSTERIOR_Q15, *sorted({round(NEVER_Q15 * (1 - x)) for x in below_one}, reverse=True)]


def wanted_false_accepts(per_hour: float, hours: float) -> float:
    """How many false accepts a recording may have at a rate.

    Raises:
      KwsError: the rate is not above 0, or fewer than `FEWEST_FALSE_ACCEPTS` are wanted.
    """
    if not per_hour > 0:
        raise KwsError(
            f"the wanted false accepts per hour must be above 0: none in a finite recording promises nothing. "
            f"Received: {per_hour:g}."
        )
    if per_hour * hours < FEWEST_FALSE_ACCEPTS:
        raise KwsError(
            f"{hours:g} hours at {per_hour:g} false accepts per hour are {per_hour * hours:.1f} events: too few to "
            f"choose by. Take {FEWEST_FALSE_ACCEPTS / per_hour:g} hours or more."
        )
    return per_hour * hours


def choose(
    listener: Listener, false_accepts_per_hour: float, progress: Callable[[int], None] = lambda done: None
) -> DetectorConfig:
    """Chooses smoothing, refractory period and thresholds that keep the false accepts below the wanted rate.

    A rate counts as its upper bound (`Heard.upper_rate`). First, for each mean of `CHOICE_SMOOTHING_S` and each rest of
    `CHOICE_REST_S`, the lowest common threshold is found that keeps the rate; of those, the quickest detector is taken
    whose recall is within `CHOICE_SLACK` of the best. Then every keyword gets the threshold of `CHOICE_GRID_Q15` with
    the best recall less p times its false accepts per hour, p the same for all: so false accepts are spent where they
    buy most recall. The lowest such price p is taken with which the whole detector keeps the rate. Releases follow the
    thresholds (`manifest.release_q15`).

    Few unknown words are heard, and the next ones sound like other keywords: for the price, a keyword's rate is half
    its own and half the mean of all keywords at that threshold. A keyword that nobody said has the others' mean recall.

    Args:
      listener: a recording of validation clips, long against the wanted rate.
      false_accepts_per_hour: wanted rate of all labels together, > 0.
      progress: called with the number of `choice_rounds` done.

    Returns:
      Settings for the manifest; silence and unknown words are never raised.

    Raises:
      KwsError: see `wanted_false_accepts`.
    """
    wanted_false_accepts(false_accepts_per_hour, listener.hours)
    bundle, wanted = listener.bundle, false_accepts_per_hour
    step_s = bundle.frames_per_step * bundle.frontend.hop_samples / bundle.frontend.sample_rate_hz
    rounds, found = 0, []
    for mean_s in CHOICE_SMOOTHING_S:
        smoothed = listener.smoothed(min(max(1, round(mean_s / step_s)), LONGEST_MEAN_STEPS))
        for rest_s in CHOICE_REST_S:
            rest = round(rest_s / step_s)
            # From the highest down: a lower threshold can hide false accepts behind a refractory period.
            kept = itertools.takewhile(
                lambda heard: heard.upper_rate <= wanted,
                (smoothed.curve([threshold], rest)[0] for threshold in reversed(CHOICE_GRID_Q15)),
            )
            found.append((max((heard.recall for heard in kept), default=0.0), smoothed, rest))
            progress(rounds := rounds + 1)
    best = max(recall for recall, *_ in found)
    _, smoothed, rest = next(setting for setting in found if setting[0] >= best - CHOICE_SLACK)
    alone = {}
    for row in _keyword_rows(bundle):
        heard = smoothed.curve(CHOICE_GRID_Q15, rest, row)
        counts = [one.false_accepts.sum() for one in heard]
        alone[row] = (
            np.array([one.found[row] for one in heard]) / max(heard[0].spoken[row], 1),
            np.maximum.accumulate(counts[::-1])[::-1] / smoothed.hours,  # the most at a threshold or any above it
        )
        progress(rounds := rounds + 1)
    recall = np.mean([alone[row][0] for row in alone if heard[0].spoken[row]], axis=0)
    rate = np.mean([rates for _, rates in alone.values()], axis=0)
    for row, (own_recall, own_rate) in alone.items():
        alone[row] = (own_recall if heard[0].spoken[row] else recall, (own_rate + rate) / 2)
    return _within(smoothed, rest, alone, wanted)


def choice_rounds(bundle: Bundle) -> int:
    """How many rounds `choose` reports as progress."""
    return len(CHOICE_SMOOTHING_S) * len(CHOICE_REST_S) + len(_keyword_rows(bundle))


def _keyword_rows(bundle: Bundle) -> list[int]:
    return list(label_set(bundle.labels).keyword_rows)


def _within(
    listener: Listener, refractory_steps: int, alone: dict[int, tuple[np.ndarray, np.ndarray]], wanted: float
) -> DetectorConfig:
    """The thresholds of `choose` for one refractory period.

    Args:
      listener: the recording.
      refractory_steps: the period.
      alone: for each keyword the recall and the false accepts per hour that each threshold of the grid counts for.
      wanted: false accepts per hour that all together may raise, upper bound.
    """
    smoothing_steps = listener.tables.smoothing_steps
    best = with_releases(smoothing_steps, refractory_steps, (NEVER_Q15,) * len(listener.bundle.labels))
    for price in PRICES:
        thresholds = list(best.threshold_q15)
        for row, (recall, rate) in alone.items():
            gain = (recall - price * rate)[::-1]  # of equal gains the highest threshold is the first
            thresholds[row] = CHOICE_GRID_Q15[len(gain) - 1 - int(gain.argmax())]
        detector = with_releases(smoothing_steps, refractory_steps, thresholds)
        if detector == best:
            continue
        if listener.heard(detector).upper_rate > wanted:
            break
        best = detector
    return best


def write_detector(bundle: Bundle, detector: DetectorConfig, chosen: dict[str, Any]) -> Bundle:
    """Writes a detector's settings into a bundle's manifest, and what they were chosen by.

    The latter goes to ``provenance.detector``. The model keeps its digest. Firmware that was generated from the bundle
    must be generated again.

    Args:
      bundle: changed on disk.
      detector: its settings from now on.
      chosen: figures that say how, for people.

    Raises:
      KwsError: the bundle cannot be written, or a setting is out of range.
    """
    manifest = {key: value for key, value in bundle.manifest.items() if key not in ("format_version", "model_sha256")}
    settings = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(detector).items()}
    manifest["detector"] = {**manifest["detector"], **settings}
    manifest["provenance"] = {**manifest.get("provenance", {}), "detector": chosen}
    return write_bundle(bundle.path, bundle.model, manifest)


def poisson_bounds(events: float, below: float, above: float) -> tuple[float, float]:
    """Exact bounds of the mean of a Poisson count (F. Garwood, Biometrika 28, 1936).

    Args:
      events: the count; one that is not whole stands between its neighbours.
      below, above: probabilities, for example 0.025 and 0.975 for an interval of 95 %; 0 gives 0.
    """
    from scipy.stats import chi2

    low = float(chi2.ppf(below, 2 * events) / 2) if events and below else 0.0
    return low, float(chi2.ppf(above, 2 * events + 2) / 2)


def _latency(seconds: np.ndarray) -> dict[str, float] | None:
    if not len(seconds):
        return None
    return {"median": float(np.median(seconds) * 1000), "percentile_90": float(np.percentile(seconds, 90) * 1000)}
