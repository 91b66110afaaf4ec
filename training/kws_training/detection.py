"""Detection on long recordings: recall, false accepts per hour, latency, and the thresholds that give a wanted rate.

Recordings go through the integer front end and the int8 streaming network once (`stream_scores`); the detector is then
run on the kept scores in vectorised form, for as many thresholds as wanted. It equals `kws_reference.detector.Detector`
step for step.
"""

import concurrent.futures
import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig, write_bundle
from kws_reference.detector import MAX_POSTERIOR_Q15, DetectorTables, detector_tables
from kws_reference.errors import KwsError
from kws_reference.frontend import Mfcc
from kws_reference.network import Network

from kws_training.data.recordings import Piece, Recordings, Word
from kws_training.data.speech_commands import SILENCE, UNKNOWN

TOLERANCE_S = 1.0
"""A word may be detected up to this long after its end: the trained models look back on about a second."""

CAUSES = ("repeated", "other keyword", "unknown word", "noise")
_REPEATED, _KEYWORD, _UNKNOWN, _NOISE = range(len(CAUSES))
CHOICE_GRID_Q15 = (*(round(NEVER_Q15 * percent / 100) for percent in range(50, 100)), MAX_POSTERIOR_Q15, NEVER_Q15)
"""Thresholds that `choose` tries: 0.50 (likelier than all else together) to 0.99, the largest posterior, never."""

CHOICE_REST_S = (0.5, 0.8, 1.0, 1.2, 1.5)
"""Rests after a detection that `choose` tries: posteriors stay high for as long as the model looks back."""

FEWEST_FALSE_ACCEPTS = 5
"""Thresholds are not chosen for fewer wanted events than this: their number would be chance."""

CHOICE_REST_SLACK = 0.002
"""A shorter rest is taken when it costs at most this much recall: a long one is deaf to quick sequences of words."""


# --- Scores ----------------------------------------------------------------------------------------------------------


def stream_scores(
    bundle: Bundle,
    recordings: Recordings,
    progress: Callable[[int], None] = lambda done: None,
    workers: int | None = None,
) -> list[np.ndarray]:
    """Runs each piece from a reset through the integer front end and the network in TFLite Micro's interpreter.

    Args:
      bundle: the model.
      recordings: what it hears; pieces are rendered when a process is about to take them.
      progress: called with the number of pieces done.
      workers: processes; None: one for each core.

    Returns:
      int8 ``[steps, labels]`` of each piece. A rest too short for a step is dropped.
    """
    workers = min(workers or os.cpu_count() or 1, len(recordings))
    scores: list[np.ndarray] = [np.zeros((0, len(bundle.labels)), np.int8)] * len(recordings)
    done, running = 0, {}
    with concurrent.futures.ProcessPoolExecutor(workers, initializer=_start, initargs=(bundle.path,)) as pool:
        for index in [*range(len(recordings)), None]:
            while running and (index is None or len(running) > workers):  # one piece waits
                finished, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    scores[running.pop(future)] = future.result()
                    done += 1
                    progress(done)
            if index is not None:  # None: all are under way
                running[pool.submit(_run, recordings.pcm(index))] = index
    return scores


_worker: dict[str, Any] = {}


def _start(path: Path) -> None:
    bundle = Bundle.load(path)
    _worker["bundle"], _worker["network"] = bundle, Network(bundle)
    _worker["mfcc"] = Mfcc(bundle.frontend, bundle.features.zero_point)


def _run(pcm: np.ndarray) -> np.ndarray:
    bundle, network = _worker["bundle"], _worker["network"]
    frames, size = _worker["mfcc"].frames(pcm), bundle.frames_per_step
    steps = len(frames) // size
    scores = np.empty((steps, len(bundle.labels)), np.int8)
    network.reset()
    for step in range(steps):
        scores[step] = network.step(frames[step * size : (step + 1) * size])
    return scores


# --- Detector --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Top:
    """All that thresholds are compared with.

    Attributes:
      label: label with the largest smoothed posterior after each step, int64 ``[steps]``.
      steps: for each label, the steps at which it is that label, int64, rising.
      smoothed_q15: for each label, its smoothed posterior at those steps, 0 to 32767, int64.
    """

    label: np.ndarray
    steps: tuple[np.ndarray, ...]
    smoothed_q15: tuple[np.ndarray, ...]


def smoothed_sums(scores: np.ndarray, tables: DetectorTables) -> np.ndarray:
    """Sums of the last ``smoothing_steps`` posteriors, from a reset.

    Args:
      scores: int8 ``[steps, labels]``.
      tables: the detector's constants.

    Returns:
      int64 ``[steps, labels]``; divided by ``smoothing_steps`` (floor), the smoothed posteriors in Q15.
    """
    values = scores.astype(np.int64)
    exponential = tables.exp_q15.astype(np.int64)[values.max(1, keepdims=True) - values]
    posterior = np.minimum((exponential << 15) // exponential.sum(1, keepdims=True), MAX_POSTERIOR_Q15)
    sums = np.cumsum(posterior, axis=0)
    sums[tables.smoothing_steps :] -= sums[: -tables.smoothing_steps].copy()
    return sums


def top(scores: np.ndarray, tables: DetectorTables) -> Top:
    """The detector's view of ``scores``, int8 ``[steps, labels]``, from a reset, whatever the thresholds."""
    sums = smoothed_sums(scores, tables)
    label = sums.argmax(1)
    steps = tuple(np.flatnonzero(label == row) for row in range(sums.shape[1]))
    return Top(label, steps, tuple(sums[at, row] // tables.smoothing_steps for row, at in enumerate(steps)))


def detect(view: Top, threshold_q15: Sequence[int], refractory_steps: int) -> np.ndarray:
    """Steps at which detections are raised, int64 ``[detections]``; the label of each is ``view.label`` there."""
    reached = [
        steps[smoothed >= threshold]
        for steps, smoothed, threshold in zip(view.steps, view.smoothed_q15, threshold_q15, strict=True)
        if threshold < NEVER_Q15
    ]
    ready = np.sort(np.concatenate([np.zeros(0, np.int64), *reached]))
    # The first ready step behind each one's refractory period; following this chain visits only detections.
    following = np.searchsorted(ready, ready + refractory_steps + 1).tolist()
    chain, at = [], 0
    while at < len(ready):
        chain.append(at)
        at = following[at]
    return ready[chain]


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
      hours: length of the recording.
    """

    spoken: np.ndarray
    found: np.ndarray
    false_accepts: np.ndarray
    latency_s: np.ndarray
    latency_label: np.ndarray
    hours: float

    @property
    def recall(self) -> float:
        """Share of all keywords spoken that was detected, 0..1."""
        return float(self.found.sum() / max(self.spoken.sum(), 1))

    @property
    def false_accepts_per_hour(self) -> float:
        """Detections per hour that are not the first one of a keyword."""
        return float(self.false_accepts.sum() / self.hours)

    def to_dict(self, labels: Sequence[str]) -> dict[str, Any]:
        """The figures for ``evaluation``'s JSON."""
        count = int(self.false_accepts.sum())
        low, high = poisson_interval(count)
        return {
            "hours": self.hours,
            "keywords": int(self.spoken.sum()),
            "recall": self.recall,
            "false_accepts": count,
            "false_accepts_per_hour": self.false_accepts_per_hour,
            "false_accepts_per_hour_95": [low / self.hours, high / self.hours],
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
      pieces: what was spoken.
      scores: int8 ``[steps, labels]`` of each piece.
      tolerance_s: seconds.
    """

    def __init__(
        self, bundle: Bundle, pieces: Sequence[Piece], scores: Sequence[np.ndarray], tolerance_s: float = TOLERANCE_S
    ):
        self.bundle, self.pieces, self.scores = bundle, tuple(pieces), scores
        self.tables = detector_tables(bundle)
        self._rate = bundle.frontend.sample_rate_hz
        self._tolerance = round(tolerance_s * self._rate)
        self._views = [top(piece, self.tables) for piece in scores]
        self.hours = sum(piece.samples for piece in pieces) / self._rate / 3600
        self._spoken = np.zeros(len(bundle.labels), np.int64)
        for word in (word for piece in pieces for word in piece.words if word.label > 1):
            self._spoken[word.label] += 1

    def matched(self, index: int, detector: DetectorConfig) -> list[tuple[int, int, Word | None, int]]:
        """Detections in a piece: the sample that raised each, its label, its word, the cause of a false accept.

        Args:
          index: the piece.
          detector: thresholds and refractory period; ``smoothing_steps`` must be the bundle's.
        """
        view = self._views[index]
        steps = detect(view, detector.threshold_q15, detector.refractory_steps)
        samples, labels = step_end_samples(self.bundle, steps).tolist(), view.label[steps].tolist()
        matches = match(list(zip(samples, labels, strict=True)), self.pieces[index].words, self._tolerance)
        return [(*detection, *found) for *detection, found in zip(samples, labels, matches, strict=True)]

    def heard(self, detector: DetectorConfig) -> Heard:
        """Recall, false accepts and latency with these settings."""
        if detector.smoothing_steps != self.tables.smoothing_steps:
            raise ValueError(
                f"smoothing_steps must be {self.tables.smoothing_steps}. Received: {detector.smoothing_steps}"
            )
        found = np.zeros(len(self.bundle.labels), np.int64)
        false_accepts = np.zeros((len(self.bundle.labels), len(CAUSES)), np.int64)
        latency, latency_label = [], []
        for index in range(len(self.pieces)):
            for sample, label, word, cause in self.matched(index, detector):
                if word is None:
                    false_accepts[label, cause] += 1
                else:
                    found[label] += 1
                    latency.append((sample - word.end) / self._rate)
                    latency_label.append(label)
        return Heard(
            self._spoken, found, false_accepts, np.array(latency, np.float64), np.array(latency_label, int), self.hours
        )

    def curve(self, threshold_q15: Sequence[int], refractory_steps: int, label: int | None = None) -> list[Heard]:
        """One result for each threshold, common to all keywords, or of one label while no other one is raised."""
        return [
            self.heard(
                DetectorConfig(
                    self.tables.smoothing_steps,
                    refractory_steps,
                    common_thresholds(self.bundle.labels, threshold, label),
                )
            )
            for threshold in threshold_q15
        ]


def step_end_samples(bundle: Bundle, steps: np.ndarray) -> np.ndarray:
    """Samples that have come in when a step is computed, for step indices from 0."""
    frontend = bundle.frontend
    last_frame = (np.asarray(steps, np.int64) + 1) * bundle.frames_per_step - 1
    return frontend.window_samples + last_frame * frontend.hop_samples


def match(
    detections: Sequence[tuple[int, int]], words: Sequence[Word], tolerance: int
) -> list[tuple[Word | None, int]]:
    """Matches detections with words by `Listener`'s rule.

    Args:
      detections: (sample, label), in order of time.
      words: in order of time.
      tolerance: samples.

    Returns:
      For each detection the keyword that it found and -1, or None and the index of its cause in `CAUSES`.
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
        same = [position for position in near if words[position].label == label]
        fresh = [position for position in same if position not in taken]
        if fresh:
            taken.add(fresh[0])
            result.append((words[fresh[0]], -1))
            continue
        others = [words[position].label for position in near if words[position].label > 0]
        cause = _REPEATED if same else _NOISE if not others else _KEYWORD if others[-1] > 1 else _UNKNOWN
        result.append((None, cause))
    return result


# --- Thresholds ------------------------------------------------------------------------------------------------------


def common_thresholds(labels: Sequence[str], threshold_q15: int, only: int | None = None) -> tuple[int, ...]:
    """The same threshold for every keyword (or for one alone); silence and unknown words are never raised."""
    return tuple(
        NEVER_Q15 if label in (SILENCE, UNKNOWN) or only not in (None, row) else threshold_q15
        for row, label in enumerate(labels)
    )


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
    """Chooses thresholds and refractory period, so that all keywords together raise at most the wanted false accepts.

    For each rest of `CHOICE_REST_S`, every keyword gets the same budget of false accepts: its threshold is the lowest
    of `CHOICE_GRID_Q15` at which the label alone stays within it. The largest budget is taken with which the whole
    detector stays within the wanted rate; should none do, the label with most false accepts is raised step by step.
    Labels with few recordings are so chosen by what they raise wrongly, which does not need recordings of them. Of the
    rests, the shortest is taken whose recall is within `CHOICE_REST_SLACK` of the best.

    Args:
      listener: a recording of validation clips, long against the wanted rate.
      false_accepts_per_hour: wanted rate of all labels together, > 0.
      progress: called with the number of `choice_rounds` done.

    Returns:
      Settings for the manifest; silence and unknown words are never raised.

    Raises:
      KwsError: see `wanted_false_accepts`.
    """
    wanted = wanted_false_accepts(false_accepts_per_hour, listener.hours)
    bundle = listener.bundle
    step_s = bundle.frames_per_step * bundle.frontend.hop_samples / bundle.frontend.sample_rate_hz
    rounds, found = 0, []
    for rest_s in CHOICE_REST_S:
        alone = {}
        for row in _keyword_rows(bundle):
            counts = [one.false_accepts.sum() for one in listener.curve(CHOICE_GRID_Q15, round(rest_s / step_s), row)]
            # The most at a threshold or any above it: a lower one can hide false accepts behind a refractory period.
            alone[row] = np.maximum.accumulate(counts[::-1])[::-1]
            progress(rounds := rounds + 1)
        found.append(_within(listener, round(rest_s / step_s), alone, wanted))
    recalls = [listener.heard(detector).recall for detector in found]
    return next(
        detector for detector, recall in zip(found, recalls, strict=True) if recall >= max(recalls) - CHOICE_REST_SLACK
    )


def choice_rounds(bundle: Bundle) -> int:
    """How many rounds `choose` reports as progress."""
    return len(CHOICE_REST_S) * len(_keyword_rows(bundle))


def _keyword_rows(bundle: Bundle) -> list[int]:
    return [row for row, name in enumerate(bundle.labels) if name not in (SILENCE, UNKNOWN)]


def _within(listener: Listener, refractory_steps: int, alone: dict[int, np.ndarray], wanted: float) -> DetectorConfig:
    """The thresholds of `choose` for one refractory period.

    Args:
      listener: the recording.
      refractory_steps: the period.
      alone: for each keyword its false accepts at each threshold of the grid, falling to 0.
      wanted: false accepts that all together may raise.
    """

    def detector(positions: dict[int, int]) -> DetectorConfig:
        labels = range(len(listener.bundle.labels))
        thresholds = tuple(CHOICE_GRID_Q15[positions[row]] if row in positions else NEVER_Q15 for row in labels)
        return DetectorConfig(listener.tables.smoothing_steps, refractory_steps, thresholds)

    best, before = None, None
    for budget in range(int(wanted) + 1):
        positions = {row: int(np.argmax(counts <= budget)) for row, counts in alone.items()}
        if positions != before and listener.heard(detector(positions)).false_accepts.sum() <= wanted:
            best = positions
        before = positions
    best = best or {row: int(np.argmax(counts <= 0)) for row, counts in alone.items()}
    while (counts := listener.heard(detector(best)).false_accepts.sum(1)).sum() > wanted:
        best[int(counts.argmax())] += 1
    return detector(best)


def write_detector(bundle: Bundle, detector: DetectorConfig, chosen: dict[str, Any]) -> Bundle:
    """Writes thresholds and refractory period into a bundle's manifest, and what they were chosen by.

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
    settings = {**dataclasses.asdict(detector), "threshold_q15": list(detector.threshold_q15)}
    manifest["detector"] = {**manifest["detector"], **settings}
    manifest["provenance"] = {**manifest.get("provenance", {}), "detector": chosen}
    return write_bundle(bundle.path, bundle.model, manifest)


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95 % interval of the mean of a Poisson count (F. Garwood, Biometrika 28, 1936)."""
    from scipy.stats import chi2

    return float(chi2.ppf(0.025, 2 * count) / 2) if count else 0.0, float(chi2.ppf(0.975, 2 * count + 2) / 2)


def _latency(seconds: np.ndarray) -> dict[str, float] | None:
    if not len(seconds):
        return None
    return {"median": float(np.median(seconds) * 1000), "percentile_90": float(np.percentile(seconds, 90) * 1000)}
