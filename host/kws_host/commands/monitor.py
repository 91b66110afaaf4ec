"""``kws-host monitor``: live scores and detections in the terminal."""

import argparse
import logging
import sys
import time
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import Recording
from kws_reference.protocol.messages import DetectionRecord, Fault, Hello, NamesKind, StepRecord
from kws_reference.system.file_names import shown

from kws_host import options
from kws_host.device import Device

log = logging.getLogger(__name__)

BAR = 32
REFRESH_S = 0.05


class Screen:
    """Shows events: on a terminal a table of bars that is redrawn, elsewhere a line per detection."""

    def __init__(self, plain: bool):
        """Args: plain: only lines, whatever stdout is."""
        self.labels: list[str] = []
        self.seconds_per_step = 0.0
        self.first_s = 0.0
        self.steps = 0
        self.detections = 0
        self._live = not plain and sys.stdout.isatty()
        self._drawn = 0.0
        self._height = 0

    def setup(self, device: Device) -> None:
        """Asks the device for names."""
        info = device.info
        self.labels = device.names(NamesKind.LABELS)
        self.seconds_per_step = info.frames_per_step * info.hop_samples / info.sample_rate_hz
        self.first_s = (info.window_samples - info.hop_samples) / info.sample_rate_hz

    def _name(self, label: int) -> str:
        return self.labels[label] if label < len(self.labels) else f"label {label}"

    def _clear(self) -> None:
        if self._height:
            sys.stdout.write(f"\x1b[{self._height}A\x1b[J")
            self._height = 0

    def _print(self, text: str) -> None:
        self._clear()
        print(text, flush=True)

    def _time(self, step: int) -> float:
        return self.first_s + (step + 1) * self.seconds_per_step

    def on_event(self, event: object) -> None:
        """Takes one event of the device."""
        if isinstance(event, DetectionRecord):
            self.detections += 1
            share = 100 * event.smoothed_q15 / 32768
            self._print(f"{self._time(event.step):8.2f} s  {self._name(event.label):<12} {share:3.0f} %")
        elif isinstance(event, Hello):
            self._print(f"(the firmware started, number {event.starts} since power-on)")
        elif isinstance(event, Fault):
            self._print(f"(the firmware faulted: {event})")
        elif isinstance(event, StepRecord):
            self.steps += 1
            now = time.monotonic()
            if self._live and now - self._drawn >= REFRESH_S:
                self._drawn = now
                self._draw(event)

    def on_text(self, data: bytes) -> None:
        """Takes bytes that are no frame: what the firmware or a boot loader prints."""
        text = data.decode("utf-8", "replace")
        if all(character.isprintable() or character.isspace() for character in text) and text.strip():
            self._print("\n".join(f"> {line}" for line in text.strip().splitlines()))

    def _draw(self, event: StepRecord) -> None:
        self._clear()
        scores = np.frombuffer(event.scores, np.int8).astype(int)
        lines = []
        for label, score in enumerate(scores):
            bar = "#" * ((int(score) + 128) * BAR // 255)
            mark = f" {100 * event.top_smoothed_q15 / 32768:3.0f} %" if label == event.top_label else ""
            lines.append(f"  {self._name(label):<12} {score:4d} {bar:<{BAR}}{mark}")
        lines.append(f"  {self._time(event.step):.2f} s")
        print("\n".join(lines), flush=True)
        self._height = len(lines)

    def close(self) -> None:
        """Removes the bars."""
        self._clear()


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("monitor", help="show live scores and detections", description=__doc__)
    options.add_port(parser)
    parser.add_argument("--wav", type=Path, nargs="+", help="stream these to the device (default: its own microphone)")
    parser.add_argument("--duration", type=float, metavar="S", help="stop after so many seconds without --wav")
    parser.add_argument("--plain", action="store_true", help="lines only, no redrawing")
    return parser


def run(args: argparse.Namespace) -> int:
    """Shows events until the recordings, the time or the user's patience end."""
    screen = Screen(args.plain)
    # Recordings are read before the port is opened: an error must not restart a board.
    recordings = [(path, Recording.read(path)) for path in args.wav or ()]
    with options.open_device(args, on_event=screen.on_event, on_text=screen.on_text) as device:
        screen.setup(device)
        log.info(f"{device.info.board}, model {device.info.model_name}; Ctrl-C ends")
        try:
            for path, recording in recordings:
                pcm = recording.pcm(device.info.sample_rate_hz)
                screen.close()  # a line on stderr moves the cursor, too
                log.info(f"{shown(str(path))}: {len(pcm) / device.info.sample_rate_hz:.2f} s")
                device.run(pcm)
            start = time.monotonic()
            while not recordings and (args.duration is None or time.monotonic() - start < args.duration):
                left = 1.0 if args.duration is None else args.duration - (time.monotonic() - start)
                device.listen(max(0.0, min(1.0, left)))
        except KeyboardInterrupt:
            pass
        finally:
            screen.close()
    log.info(f"{screen.steps} steps, {screen.detections} detections")
    return 0
