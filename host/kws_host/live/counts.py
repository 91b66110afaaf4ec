"""What a board that is heard live has heard and said since the server began."""

import dataclasses
from collections import deque

from kws_reference.protocol.messages import DetectionRecord, Info
from kws_reference.timing import StepClock

from kws_host.capturing import share
from kws_host.label_names import name_of

MOST_FOUND = 1000


@dataclasses.dataclass
class LiveCounts:
    """Counts over all pages and connections.

    Attributes:
      info: of the board, as it was there last; None: it never was.
      labels, clock: of its model.
      heard_bytes: of a page's audio that it has consumed; what it hears by a microphone of its own is not counted.
      steps, detections: that came.
      found: the last detections, `MOST_FOUND` of them; seconds count from the page's start.
      lost_results: on the way from the board.
      interruptions: how often it was gone, or restarted.
    """

    info: Info | None = None
    labels: list[str] = dataclasses.field(default_factory=list)
    clock: StepClock | None = None
    heard_bytes: int = 0
    steps: int = 0
    detections: int = 0
    found: deque[dict] = dataclasses.field(default_factory=lambda: deque(maxlen=MOST_FOUND))
    lost_results: int = 0
    interruptions: int = 0

    def add_detection(self, event: DetectionRecord) -> None:
        """Takes one."""
        self.detections += 1
        seconds = round(self.clock.end_s(event.step), 2) if self.clock else None
        label = name_of(self.labels, event.label)
        self.found.append({"label": label, "share": share(event.smoothed_q15), "seconds": seconds})

    def json(self) -> dict:
        """For machines."""
        info = self.info
        return {
            "board": info.board if info else None,
            "model": info.model_name if info else None,
            "heard_s": round(self.heard_bytes / 2 / info.sample_rate_hz, 2) if info else 0.0,
            "steps": self.steps,
            "detections_total": self.detections,
            "detections": list(self.found),
            "lost_results": self.lost_results,
            "interruptions": self.interruptions,
        }
