"""Wakes and near misses while a device listens: when they were, the audio around them, and where it is sorted to."""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from kws_reference.bundle import NEVER_Q15
from kws_reference.detector.integer import ONE_Q15
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, UNKNOWN
from kws_reference.protocol.messages import AudioHeard, DetectionRecord, StepRecord
from kws_reference.protocol.wire import Message
from kws_reference.timing import StepClock

from kws_host.heard_audio import HeardAudio, write_wav

WAKE, NEAR_MISS = "wake", "near miss"
UNSORTED = "_unsorted_"
"""Folder of what nobody has sorted: training leaves folders of such names out."""
JOURNAL = "captures.jsonl"
FALLEN_STEPS = 10
"""That a score must stay below the level of a near miss for the next one to begin."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a device raised a label, or nearly did.

    Attributes:
      kind: `WAKE` or `NEAR_MISS`.
      step: of the detection, or of the greatest posterior.
      label: index.
      smoothed_q15: its smoothed posterior.
    """

    kind: str
    step: int
    label: int
    smoothed_q15: int


class Watch:
    """Finds moments in a device's events."""

    def __init__(self, threshold_q15: Sequence[int], near: float):
        """Args: threshold_q15: of each label. near: share of it from which on a posterior is a near miss, 0 to 1."""
        self._levels = [NEVER_Q15 if level == NEVER_Q15 else round(near * level) for level in threshold_q15]
        self._best: Moment | None = None  # of the near miss under way
        self._fallen = FALLEN_STEPS
        self._woke = False  # what is above the level now was raised

    def on_event(self, event: Message) -> Moment | None:
        """Takes an event. Returns the moment that it completes."""
        if isinstance(event, DetectionRecord):
            self._best, self._woke, self._fallen = None, True, 0
            return Moment(WAKE, event.step, event.label, event.smoothed_q15)
        if not isinstance(event, StepRecord):
            return None
        if event.top_smoothed_q15 >= max(1, self._levels[event.top_label]):
            self._fallen = 0
            best = self._best
            if not self._woke and (best is None or event.top_smoothed_q15 > best.smoothed_q15):
                self._best = Moment(NEAR_MISS, event.step, event.top_label, event.top_smoothed_q15)
            return None
        self._fallen += 1
        if self._fallen < FALLEN_STEPS:
            return None
        self._woke = False
        best, self._best = self._best, None
        return best


@dataclasses.dataclass(frozen=True)
class Span:
    """How much audio belongs to a moment. Attributes: before_s, after_s: seconds on either side of it."""

    before_s: float
    after_s: float


class Capturer:
    """Cuts the audio around moments out of what a device hears."""

    def __init__(self, clock: StepClock, watch: Watch, span: Span):
        """Args: clock: of the device's model. watch: finds the moments. span: around each."""
        self._clock, self._watch = clock, watch
        self._before, self._after = (round(seconds * clock.sample_rate_hz) for seconds in (span.before_s, span.after_s))
        # A near miss is known when its score has fallen: as late as that its audio must still be there.
        self._heard = HeardAudio(self._before + self._after + 10 * clock.sample_rate_hz)
        self._waiting: list[Moment] = []

    def on_event(self, event: Message) -> Iterator[tuple[Moment, np.ndarray]]:
        """Takes an event. Yields moments that have all their audio, int16 ``[samples]``."""
        if isinstance(event, AudioHeard):
            self._heard.add(event)
        if (moment := self._watch.on_event(event)) is not None:
            self._waiting.append(moment)
        while self._waiting and self._end(self._waiting[0]) <= self._heard.samples:
            yield self._cut(self._waiting.pop(0))

    def rest(self) -> Iterator[tuple[Moment, np.ndarray]]:
        """At the end: moments with as much audio as there is."""
        while self._waiting:
            yield self._cut(self._waiting.pop(0))

    def _end(self, moment: Moment) -> int:
        return self._clock.end_samples(moment.step) + self._after

    def _cut(self, moment: Moment) -> tuple[Moment, np.ndarray]:
        start = max(0, self._clock.end_samples(moment.step) - self._before)
        return moment, self._heard.pcm(start, self._end(moment))


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a key says of a capture. Attributes: name: for people. of_label: whether the label was said."""

    name: str
    of_label: bool


VERDICTS: dict[str, dict[str, Verdict]] = {
    WAKE: {"r": Verdict("right", True), "w": Verdict("wrong", False)},
    NEAR_MISS: {"m": Verdict("missed", True), "r": Verdict("right", False)},
}
SILENCE_KEY, DROP_KEY = "0", "d"


@dataclasses.dataclass(frozen=True)
class Capture:
    """A capture that was written.

    Attributes:
      file: path below the folder, with ``/``.
      kind: of its `Moment`.
      label: name of the label.
      smoothed: its posterior, 0 to 1.
      seconds: since the microphone was started.
      board, model_sha256: whose it is.
    """

    file: str
    kind: str
    label: str
    smoothed: float
    seconds: float
    board: str
    model_sha256: str


class CaptureFolder:
    """``_unsorted_/``, folders of labels that ``kws-train fit --data`` takes, and a journal of both."""

    def __init__(self, root: Path):
        """Args: root: made when the first capture comes."""
        self.root = root

    def add(self, capture: Capture, pcm: np.ndarray, rate_hz: int) -> Capture:
        """Writes a capture. Args: capture: its file is a name alone. Raises: KwsError: it cannot be written."""
        written = dataclasses.replace(capture, file=f"{UNSORTED}/{capture.file}")
        write_wav(self.root / written.file, pcm, rate_hz)
        self._note({"captured": dataclasses.asdict(written)})
        return written

    def sort(self, capture: Capture, key: str) -> str | None:
        """Moves a capture to where a key says. Returns what that was; None: the key says nothing of it.

        Raises:
          KwsError: it cannot be moved.
        """
        verdict = VERDICTS[capture.kind].get(key)
        source = self.root / capture.file
        if key == DROP_KEY:
            source.unlink(missing_ok=True)
            self._note({"sorted": capture.file, "verdict": "dropped"})
            return "dropped"
        if verdict is None and key != SILENCE_KEY:
            return None
        name = "silence" if verdict is None else verdict.name
        folder = SILENCE if verdict is None else capture.label if verdict.of_label else UNKNOWN
        if folder in ("", ".", "..") or set(folder) & set("/\\"):
            raise KwsError(f"label {folder!r} can be no folder's name: its captures stay in {self.root / UNSORTED}")
        target = self.root / folder / source.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
        except OSError as error:
            raise KwsError(f"cannot move {source} to {target}: {error.strerror}. Is the folder writable?") from None
        self._note({"sorted": capture.file, "verdict": name, "to": f"{folder}/{source.name}"})
        return f"{name}, {folder}/{source.name}"

    def unsorted(self) -> list[Capture]:
        """Captures that nobody has sorted, in the order in which they came; those whose file is gone are left out.

        Raises:
          KwsError: there is no journal, or a line of it cannot be read.
        """
        path = self.root / JOURNAL
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise KwsError(
                f"cannot read {path}: {error.strerror}. Give a folder that kws-host capture wrote."
            ) from None
        found: dict[str, Capture] = {}
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if not isinstance(entry, dict):
                    raise TypeError("no object")
                if "captured" in entry:
                    capture = Capture(**entry["captured"])
                    if capture.file != f"{UNSORTED}/{Path(capture.file).name}" or capture.kind not in VERDICTS:
                        raise ValueError("no capture of this folder")
                    found[capture.file] = capture
                elif "sorted" in entry:
                    found.pop(entry["sorted"], None)
            except (ValueError, TypeError) as error:
                if number == len(lines):  # cut off when the power went
                    continue
                raise KwsError(
                    f"{path}, line {number}, is none of this program's ({error}). Repair or delete it."
                ) from None
        return [capture for capture in found.values() if (self.root / capture.file).is_file()]

    def _note(self, entry: dict) -> None:
        path = self.root / JOURNAL
        try:
            with path.open("a+b") as file:
                cut_off = file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
                line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace")
                file.write(b"\n" * bool(cut_off) + line + b"\n")
        except OSError as error:
            raise KwsError(f"cannot write {path}: {error.strerror}. Free space or choose another folder.") from None


def share(smoothed_q15: int) -> float:
    """A posterior, 0 to 1."""
    return round(smoothed_q15 / ONE_Q15, 4)
