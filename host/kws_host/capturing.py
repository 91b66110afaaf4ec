"""Wakes and near misses while a device listens: when they were, the audio around them, and where it is sorted to."""

import dataclasses
import json
import logging
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

from kws_host.heard_audio import HeardAudio, taking, write_wav

WAKE, NEAR_MISS = "wake", "near miss"
UNSORTED, DROPPED = "_unsorted_", "_dropped_"
"""Folders of what nobody has sorted, and of what nobody wants: training leaves folders of such names out."""
JOURNAL = "captures.jsonl"
FALLEN_STEPS = 10
"""That a score must stay below the level of a near miss for the next one to begin."""
LONGEST_STEPS = 100
"""That the end of a near miss is waited for behind its greatest posterior: a radio may hold a score up for hours."""

log = logging.getLogger(__name__)


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
        self._is_told = False  # what is above the level now was raised, or told as a near miss

    def on_event(self, event: Message) -> Moment | None:
        """Takes an event. Returns the moment that it completes."""
        if isinstance(event, DetectionRecord):
            self._best, self._is_told, self._fallen = None, True, 0
            return Moment(WAKE, event.step, event.label, event.smoothed_q15)
        if not isinstance(event, StepRecord):
            return None
        if self._is_near(event):
            self._fallen = 0
            best = self._best
            if not self._is_told and (best is None or event.top_smoothed_q15 > best.smoothed_q15):
                self._best = Moment(NEAR_MISS, event.step, event.top_label, event.top_smoothed_q15)
        else:
            self._fallen += 1
        if self._fallen >= FALLEN_STEPS:
            self._is_told = False
            return self.end()
        if self._best is not None and event.step - self._best.step >= LONGEST_STEPS:
            self._is_told = True
            return self.end()
        return None

    def end(self) -> Moment | None:
        """At the end: the near miss that is under way."""
        best, self._best = self._best, None
        return best

    def _is_near(self, event: StepRecord) -> bool:
        level = self._levels[event.top_label] if event.top_label < len(self._levels) else NEVER_Q15
        return event.top_smoothed_q15 >= max(1, level)


@dataclasses.dataclass(frozen=True)
class Span:
    """How much audio belongs to a moment. Attributes: before_s, after_s: seconds on either side of it."""

    before_s: float
    after_s: float


@dataclasses.dataclass(frozen=True)
class Cut:
    """A moment and its audio.

    Attributes:
      moment: the moment.
      pcm: int16 ``[samples]``.
      lost_samples: that may be missing in it: zeros, or left out by the board.
    """

    moment: Moment
    pcm: np.ndarray
    lost_samples: int


class Capturer:
    """Cuts the audio around moments out of what a device hears."""

    def __init__(self, clock: StepClock, watch: Watch, span: Span):
        """Args: clock: of the device's model. watch: finds the moments. span: around each."""
        self._clock, self._watch = clock, watch
        self._before, self._after = (round(seconds * clock.sample_rate_hz) for seconds in (span.before_s, span.after_s))
        # A near miss is known when its score has fallen: as late as that its audio must still be there. Steps come some
        # audio behind theirs; a second is plenty.
        latest = clock.end_samples(LONGEST_STEPS + FALLEN_STEPS) + clock.sample_rate_hz
        self._heard = HeardAudio(self._before + self._after + latest)
        self._waiting: list[Moment] = []
        self._looked_at, self._dropped = 0, 0

    def on_event(self, event: Message) -> None:
        """Takes an event."""
        if isinstance(event, AudioHeard):
            self._heard.add(event)
        if (moment := self._watch.on_event(event)) is not None:
            self._waiting.append(moment)

    def on_dropped(self, samples: int) -> None:
        """Takes how many samples the board has dropped since its microphone was started."""
        if samples != self._dropped:
            self._heard.note_loss(self._looked_at, self._heard.samples, (samples - self._dropped) % (1 << 32))
        self._looked_at, self._dropped = self._heard.samples, samples

    @property
    def lost_samples(self) -> int:
        """On the way and by the board, so far."""
        return self._heard.lost_samples + self._dropped

    @property
    def has_cuts(self) -> bool:
        """Whether `cuts` yields one."""
        return bool(self._waiting) and self._end(self._waiting[0]) <= self._heard.samples

    def cuts(self) -> Iterator[Cut]:
        """Moments that have all their audio."""
        while self.has_cuts:
            yield self._cut(self._waiting.pop(0))

    def rest(self) -> Iterator[Cut]:
        """At the end: moments with as much audio as there is."""
        if (moment := self._watch.end()) is not None:
            self._waiting.append(moment)
        while self._waiting:
            yield self._cut(self._waiting.pop(0))

    def _end(self, moment: Moment) -> int:
        return self._clock.end_samples(moment.step) + self._after

    def _cut(self, moment: Moment) -> Cut:
        start, end = max(0, self._clock.end_samples(moment.step) - self._before), self._end(moment)
        return Cut(moment, self._heard.pcm(start, end), self._heard.lost_between(start, end))


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
      lost_samples: that may be missing in it.
    """

    file: str
    kind: str
    label: str
    smoothed: float
    seconds: float
    board: str
    model_sha256: str
    lost_samples: int = 0


class CaptureFolder:
    """``_unsorted_/``, folders of labels that ``kws-train fit --data`` takes, and a journal of both."""

    def __init__(self, root: Path):
        """Args: root: made when the first capture comes."""
        self.root = root

    def add(self, capture: Capture, pcm: np.ndarray, rate_hz: int) -> Capture:
        """Writes a capture. Args: capture: its file is a name alone. Raises: KwsError: it cannot be written."""
        written = dataclasses.replace(capture, file=f"{UNSORTED}/{capture.file}")
        path = self.root / written.file
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            # Noted first: what is noted and not there is left out, what is there and not noted would never be sorted.
            self._note({"captured": dataclasses.asdict(written)})
            write_wav(path, pcm, rate_hz)
        except FileExistsError:
            raise KwsError(f"{path} is there already, and stays as it is. Choose another folder.") from None
        except OSError as error:
            raise KwsError(f"cannot make {self.root}: {error.strerror}. Choose another folder.") from None
        return written

    def sort(self, capture: Capture, key: str) -> str | None:
        """Moves a capture to where a key says. Returns what that was; None: the key says nothing of it.

        Raises:
          KwsError: it cannot be moved.
        """
        verdict = VERDICTS[capture.kind].get(key)
        source = self.root / capture.file
        if key == DROP_KEY:
            name, folder = "dropped", DROPPED
        elif key == SILENCE_KEY:
            name, folder = "silence", SILENCE
        elif verdict is not None:
            name, folder = verdict.name, capture.label if verdict.of_label else UNKNOWN
        else:
            return None
        if folder in ("", ".", "..") or set(folder) & set("/\\\0"):
            raise KwsError(f"label {folder!r} can be no folder's name: its captures stay in {self.root / UNSORTED}")
        target = self.root / folder / source.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with taking(target):
                os.replace(source, target)
        except FileExistsError:
            raise KwsError(f"{target} is there already: {source} stays where it is. Move or rename one.") from None
        except OSError as error:
            raise KwsError(f"cannot move {source} to {target}: {error.strerror}. Is the folder writable?") from None
        self._note({"sorted": capture.file, "verdict": name, "to": f"{folder}/{source.name}"})
        return f"{name}, {folder}/{source.name}"

    def unsorted(self) -> list[Capture]:
        """Captures that nobody has sorted, in the order in which they came; those whose file is gone are left out.

        Lines that were cut off, as when the power went, are left out with a warning.

        Raises:
          KwsError: there is no journal, or no line of it can be read.
        """
        path = self.root / JOURNAL
        try:
            lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
        except OSError as error:
            raise KwsError(
                f"cannot read {path}: {error.strerror}. Give a folder that kws-host capture wrote."
            ) from None
        found: dict[str, Capture] = {}
        foreign: list[str] = []
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if "captured" in entry:
                    capture = _capture_of(entry["captured"])
                    found[capture.file] = capture
                else:
                    found.pop(entry["sorted"], None)
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                foreign.append(f"line {number} ({error})")
        if foreign and len(foreign) == len(lines):
            raise KwsError(f"{path}, {foreign[0]}, is none of this program's. Repair or delete it.")
        if foreign:
            log.warning(f"{path}: left out of {len(lines)} lines, as cut off or foreign: {', '.join(foreign[:3])}")
        return [capture for capture in found.values() if (self.root / capture.file).is_file()]

    def _note(self, entry: dict) -> None:
        path = self.root / JOURNAL
        try:
            with path.open("a+b") as file:
                cut_off = file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
                line = json.dumps(entry).encode()
                file.write(b"\n" * bool(cut_off) + line + b"\n")
        except OSError as error:
            raise KwsError(f"cannot write {path}: {error.strerror}. Free space or choose another folder.") from None


def _capture_of(entry: object) -> Capture:
    """A journal's capture. Raises: TypeError, ValueError: it is none."""
    capture = Capture(**entry)  # type: ignore[arg-type]
    for field in dataclasses.fields(Capture):
        value = getattr(capture, field.name)
        if not isinstance(value, field.type if field.type is not float else (int, float)):  # type: ignore[arg-type]
            raise TypeError(f"{field.name} is {value!r}")
    if capture.file != f"{UNSORTED}/{Path(capture.file).name}" or capture.kind not in VERDICTS:
        raise ValueError("no capture of this folder")
    return capture


def share(smoothed_q15: int) -> float:
    """A posterior, 0 to 1."""
    return round(smoothed_q15 / ONE_Q15, 4)
