"""Events of a device in a terminal: bars of scores that are redrawn, and a line for each detection."""

import sys
import time

import numpy as np
from kws_reference.detector.integer import ONE_Q15
from kws_reference.protocol.messages import DetectionRecord, Fault, Hello, NamesKind, StepRecord

from kws_host.device import Device

BAR_WIDTH = 32
REFRESH_S = 0.05


class LiveView:
    """Shows events: on a terminal a table of bars that is redrawn, elsewhere a line per detection.

    Attributes:
      steps: STEP messages so far.
      detections: DETECTION messages so far.
    """

    def __init__(self, plain: bool):
        """Args: plain: only lines, whatever stdout is."""
        self.steps = 0
        self.detections = 0
        self._labels: list[str] = []
        self._device: Device | None = None
        self._live = not plain and sys.stdout.isatty()
        self._drawn_s = 0.0
        self._height = 0

    def show(self, device: Device) -> None:
        """Begins to show a device's events. Before, its labels are numbers and its steps have no time."""
        self._labels = device.names(NamesKind.LABELS)
        self._device = device

    def on_event(self, event: object) -> None:
        """Takes one event of the device."""
        if isinstance(event, DetectionRecord):
            self.detections += 1
            share = 100 * event.smoothed_q15 / ONE_Q15
            self._print(f"{self._end_s(event.step):8.2f} s  {self._name(event.label):<12} {share:3.0f} %")
        elif isinstance(event, Hello):
            self._print(f"(the firmware started, number {event.starts} since power-on)")
        elif isinstance(event, Fault):
            self._print(f"(the firmware faulted: {event})")
        elif isinstance(event, StepRecord):
            self.steps += 1
            now_s = time.monotonic()
            if self._live and now_s - self._drawn_s >= REFRESH_S:
                self._drawn_s = now_s
                self._draw(event)

    def on_text(self, data: bytes) -> None:
        """Takes bytes that are no frame: what the firmware or a boot loader prints."""
        text = data.decode("utf-8", "replace")
        if all(character.isprintable() or character.isspace() for character in text) and text.strip():
            self._print("\n".join(f"> {line}" for line in text.strip().splitlines()))

    def clear(self) -> None:
        """Removes the bars, for other lines to be written."""
        if self._height:
            sys.stdout.write(f"\x1b[{self._height}A\x1b[J")
            self._height = 0

    def _name(self, label: int) -> str:
        return self._labels[label] if label < len(self._labels) else f"label {label}"

    def _end_s(self, step: int) -> float:
        return self._device.clock.end_s(step) if self._device else 0.0

    def _print(self, text: str) -> None:
        self.clear()
        print(text, flush=True)

    def _draw(self, event: StepRecord) -> None:
        self.clear()
        scores = np.frombuffer(event.scores, np.int8).astype(int)
        lines = []
        for label, score in enumerate(scores):
            bar = "#" * ((int(score) + 128) * BAR_WIDTH // 255)
            mark = f" {100 * event.top_smoothed_q15 / ONE_Q15:3.0f} %" if label == event.top_label else ""
            lines.append(f"  {self._name(label):<12} {score:4d} {bar:<{BAR_WIDTH}}{mark}")
        lines.append(f"  {self._end_s(event.step):.2f} s")
        print("\n".join(lines), flush=True)
        self._height = len(lines)
