"""Detections of a device that is listened to for as long as somebody likes: how many, and the last ones."""

import dataclasses
from collections import deque
from collections.abc import Sequence

from kws_reference.protocol.messages import DetectionRecord
from kws_reference.timing import StepClock

from kws_host.capturing import share
from kws_host.label_names import name_of

MOST_KEPT = 1000


@dataclasses.dataclass
class LastDetections:
    """Attributes: total: all that came. kept: `MOST_KEPT` of them, each with label, share and seconds since a reset."""

    total: int = 0
    kept: deque[dict] = dataclasses.field(default_factory=lambda: deque(maxlen=MOST_KEPT))

    def add(self, event: DetectionRecord, labels: Sequence[str], clock: StepClock) -> dict:
        """Takes one, and returns it as it is kept. Args: labels, clock: of the device's model."""
        seconds = round(clock.end_s(event.step), 2)
        found = {"label": name_of(labels, event.label), "share": share(event.smoothed_q15), "seconds": seconds}
        self.total += 1
        self.kept.append(found)
        return found

    def json(self) -> dict:
        """For machines."""
        return {"detections_total": self.total, "detections": list(self.kept)}
