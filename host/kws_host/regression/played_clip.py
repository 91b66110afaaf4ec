"""A recording that was played to a board: its detections, and what tests ask of them."""

import dataclasses
from pathlib import Path

import numpy as np
from kws_reference.audio.word_window import word_span
from kws_reference.bundle import NEVER_Q15
from kws_reference.errors import KwsError

from kws_host.device import Run
from kws_host.label_names import name_of
from kws_host.regression.board import Board

TAIL_S = 1.0
"""Silence played behind a recording, so that a word at its end is heard out."""
SHOWN_STEPS = 40
"""Most lines of a timeline."""
_AROUND = 6  # steps shown on both sides of what matters


@dataclasses.dataclass(frozen=True)
class Detected:
    """A detection.

    Attributes:
      label: what was heard.
      time_s: seconds from the recording's begin to the end of the step that raised it.
      score: smoothed posterior, 0 to 1.
    """

    label: str
    time_s: float
    score: float

    def __str__(self) -> str:
        return f"{self.label} at {self.time_s:.2f} s ({self.score:.2f})"


@dataclasses.dataclass(frozen=True)
class PlayedClip:
    """What a board heard in a recording.

    Attributes:
      name: of the recording, for messages.
      detections: in order.
      run: all that the board sent.
    """

    name: str
    detections: tuple[Detected, ...]
    run: Run
    _board: Board
    _pcm: np.ndarray

    @classmethod
    def play(cls, board: Board, recording: str | Path | np.ndarray, *, tail_s: float = TAIL_S) -> "PlayedClip":
        """Plays a recording, and silence behind it.

        Args:
          board: that hears it, from a reset on.
          recording: WAV file, or int16 ``[samples]`` at the board's rate.
          tail_s: seconds of silence.

        Raises:
          KwsError: the file cannot be read, or the board does not do its part.
        """
        pcm = board.read(recording)
        run = board.play(np.pad(pcm, (0, round(tail_s * board.sample_rate_hz))))
        detections = tuple(
            Detected(_label(board, event.label), board.device.clock.end_s(event.step), event.smoothed_q15 / NEVER_Q15)
            for event in run.detections
        )
        name = "the recording" if isinstance(recording, np.ndarray) else Path(recording).name
        return cls(name, detections, run, board, pcm)

    @property
    def labels(self) -> list[str]:
        """Labels of the detections, in order."""
        return [detected.label for detected in self.detections]

    def assert_detects_once(self, label: str, *, within_ms: float = 300, word_end_s: float | None = None) -> Detected:
        """Fails unless the recording raises one label once, in time, and nothing else.

        Args:
          label: what was said.
          within_ms: milliseconds after the word's end in which it must be raised; before the end is in time, too.
          word_end_s: where the word ends, in seconds; None: where the recording falls silent
            (`kws_reference.audio.word_window.word_span`), and then it must not be raised before the word begins.

        Returns:
          The detection.

        Raises:
          AssertionError: with the timeline. KwsError: the model has no such label.
        """
        __tracebackhide__ = True
        self._require(label)
        begin_s, end_s = self._word_s() if word_end_s is None else (0.0, word_end_s)
        latest_s = end_s + within_ms / 1000
        wanted = f"{label!r} once, from {begin_s:.2f} s to {latest_s:.2f} s (the word ends at {end_s:.2f} s)"
        if self.labels != [label]:
            self._fail(wanted, label)
        (detected,) = self.detections
        if not begin_s <= detected.time_s <= latest_s:
            self._fail(wanted, label)
        return detected

    def assert_detects(self, *labels: str) -> None:
        """Fails unless the recording raises these labels, in this order, and nothing else.

        Raises:
          AssertionError: with the timeline. KwsError: the model has no such label.
        """
        __tracebackhide__ = True
        for label in labels:
            self._require(label)
        if self.labels != list(labels):
            self._fail(", then ".join(repr(label) for label in labels) or "nothing", *labels)

    def assert_detects_nothing(self) -> None:
        """Fails when the recording raises anything.

        Raises:
          AssertionError: with the timeline.
        """
        __tracebackhide__ = True
        self.assert_detects()

    def timeline(self, *labels: str) -> str:
        """A table of the steps around the detections, and around the best moments of some labels.

        Args:
          labels: that are looked at besides those detected.
        """
        steps, clock = self.run.steps, self._board.device.clock
        raised = {event.step: event.label for event in self.run.detections}
        shown = _near(sorted({*raised, *(step for label in labels for step in self._best_steps(label))}), len(steps))
        in_a_row = f" for {self._board.run_steps} steps" if self._board.run_steps > 1 else ""
        lines = [f"{'step':>6}  {'time':>7}  {'top label':<14}  {'smoothed':>8}  threshold{in_a_row}"]
        before = -1
        for step in shown:
            if step != before + 1:
                lines.append(f"{'...':>6}")
            record, before = steps[step], step
            lines.append(
                f"{step:>6}  {clock.end_s(step):>5.2f} s  {_label(self._board, record.top_label):<14}  "
                f"{record.top_smoothed_q15 / NEVER_Q15:>8.3f}  {self._board.threshold(record.top_label):<17}"
                + (f"  raises {_label(self._board, raised[step])!r}" if step in raised else "")
            )
        if not shown or shown[-1] != len(steps) - 1:
            lines.append(f"{'...':>6}  {len(steps)} steps in all")
        return "\n".join(line.rstrip() for line in lines)

    def _best_steps(self, label: str) -> list[int]:
        """The step in which a label was the largest with the greatest posterior; else that of its best score."""
        index = self._board.labels.index(label)
        tops = [(record.top_smoothed_q15, -record.step) for record in self.run.steps if record.top_label == index]
        if tops:
            return [-max(tops)[1]]
        scores = [np.frombuffer(record.scores, np.int8)[index] for record in self.run.steps]
        return [int(np.argmax(scores))] if scores else []

    def _word_s(self) -> tuple[float, float]:
        begin, end = word_span(self._pcm, self._board.sample_rate_hz)
        return begin / self._board.sample_rate_hz, end / self._board.sample_rate_hz

    def _require(self, label: str) -> None:
        __tracebackhide__ = True
        if label not in self._board.labels:
            raise KwsError(f"the board's model has no label {label!r}. It has: {', '.join(self._board.labels)}.")

    def _fail(self, wanted: str, *labels: str) -> None:
        __tracebackhide__ = True
        heard = ", ".join(map(str, self.detections)) or "nothing"
        raise AssertionError(f"{self.name} must raise {wanted}. Received: {heard}.\n{self.timeline(*labels)}")


def _label(board: Board, index: int) -> str:
    return name_of(board.labels, index)


def _near(places: list[int], count: int) -> list[int]:
    """Steps near some of them, in order, at most `SHOWN_STEPS`; the first ones where there is none."""
    near = {step for place in places or [0] for step in range(place - _AROUND, place + _AROUND + 1)}
    return sorted(step for step in near if 0 <= step < count)[:SHOWN_STEPS]
