"""Events of a device as lines: one for each detection, restart and fault, and the text between frames."""

import dataclasses
from collections.abc import Sequence

from kws_reference.detector.integer import ONE_Q15
from kws_reference.protocol.messages import DetectionRecord, Fault, Hello
from kws_reference.protocol.wire import Message
from kws_reference.timing import StepClock

from kws_host.label_names import name_of


@dataclasses.dataclass(frozen=True)
class Losses:
    """What did not come. Attributes: by name, for people."""

    events: int = 0
    microphone_samples: int = 0
    port_bytes: int = 0
    reconnects: int = 0

    def counts(self) -> dict[str, int]:
        """Each count by its name."""
        return {name.replace("_", " "): count for name, count in dataclasses.asdict(self).items()}


class PlainView:
    """Prints events."""

    def __init__(self, is_quiet: bool = False) -> None:
        """Args: is_quiet: prints nothing: stdout is a report's."""
        self._is_quiet = is_quiet
        self._labels: Sequence[str] = ()
        self._clock: StepClock | None = None

    def show(self, labels: Sequence[str], clock: StepClock) -> None:
        """Begins to show a device's events. Before, its labels are numbers and its steps have no time."""
        self._labels, self._clock = labels, clock

    def on_event(self, event: Message) -> None:
        """Takes one event of the device."""
        match event:
            case DetectionRecord():
                name = name_of(self._labels, event.label)
                seconds = self._clock.end_s(event.step) if self._clock else 0.0
                self._print(f"{seconds:8.2f} s  {name:<12} {100 * event.smoothed_q15 / ONE_Q15:3.0f} %")
            case Hello():
                self._print(f"(the firmware started, number {event.starts} since power-on)")
            case Fault():
                self._print(f"(the firmware faulted: {event})")

    def on_losses(self, losses: Losses) -> None:
        """Takes what was lost so far, when there is more of it."""
        self._print(f"(lost: {', '.join(f'{count:,} {name}' for name, count in losses.counts().items())})")

    def on_text(self, text: str) -> None:
        """Takes lines that the firmware or a boot loader prints."""
        self._print("\n".join(f"> {line}" for line in text.splitlines()))

    def _print(self, text: str) -> None:
        if not self._is_quiet:
            print(text, flush=True)


def readable(data: bytes) -> str:
    """Bytes that are no frame as text; "" where they are none."""
    text = data.decode("utf-8", "replace")
    is_text = all(character.isprintable() or character.isspace() for character in text)
    return text.strip() if is_text else ""
