"""What a board that is heard live has heard and said since the server began."""

import dataclasses

from kws_reference.protocol.messages import DetectionRecord, Info
from kws_reference.timing import StepClock

from kws_host.last_detections import LastDetections


@dataclasses.dataclass
class LiveCounts:
    """Counts over all pages and connections.

    Attributes:
      info: of the board, as it was there last; None: it never was.
      labels, clock: of its model.
      heard_bytes: of a page's audio that it has consumed; what it hears by a microphone of its own is not counted.
      steps, detections: that came.
      lost_results: on the way from the board.
      interruptions: how often it was gone, or restarted.
    """

    info: Info | None = None
    labels: list[str] = dataclasses.field(default_factory=list)
    clock: StepClock | None = None
    heard_bytes: int = 0
    steps: int = 0
    detections: LastDetections = dataclasses.field(default_factory=LastDetections)
    lost_results: int = 0
    interruptions: int = 0

    def add_detection(self, event: DetectionRecord) -> None:
        """Takes one of the board that is there."""
        assert self.clock is not None  # events come of a board that is ready
        self.detections.add(event, self.labels, self.clock)

    def json(self) -> dict:
        """For machines."""
        info = self.info
        return {
            "board": info.board if info else None,
            "model": info.model_name if info else None,
            "heard_s": round(self.heard_bytes / 2 / info.sample_rate_hz, 2) if info else 0.0,
            "steps": self.steps,
            **self.detections.json(),
            "lost_results": self.lost_results,
            "interruptions": self.interruptions,
        }
