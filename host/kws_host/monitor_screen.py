"""What a device hears, on a whole terminal: level, spectrogram, posteriors and thresholds, detections, losses."""

import dataclasses
import math
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle
from kws_reference.detector.integer import ONE_Q15, Detector
from kws_reference.protocol.messages import AudioHeard, DetectionRecord, Info, StepRecord
from kws_reference.protocol.wire import Message
from kws_reference.timing import StepClock
from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from kws_host.label_names import name_of
from kws_host.plain_view import Losses
from kws_host.spectrogram import Bands, palette, range_of, shades
from kws_host.takes import level_db

STRIP_STEPS = 500
"""That are remembered: as wide as a terminal may be."""
STRIP_ROWS = (4, 12)
"""Fewest and most."""
OTHER_ROWS = 9
SHOWN_DETECTIONS = 6
LIT_STEPS = 40
"""That a detected label stays marked."""
REFRESH_S = 0.05
LEVEL_DB = 60
LEVEL_BLOCKS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_QUIET, _GOOD, _LOUD = "#5b8def", "#4cc38a", "#f2555a"


class MonitorScreen:
    """Takes events, and renders what they amount to. A renderable of ``rich``.

    Attributes:
      detections: so far.
      refresh: called when there is something new to see, at most every `REFRESH_S`.
    """

    def __init__(
        self, info: Info, labels: Sequence[str], bundle: Bundle | None, port: str, note: str = "", height: int = 40
    ):
        """Args: info: of the device. labels: its labels. bundle: of its model, with its detector's settings, if known.
        port: where it is. note: behind the title. height: rows of the terminal."""
        self.refresh: Callable[[], object] = lambda: None
        self._losses = Losses()
        self._drawn_s = 0.0
        self.detections = 0
        self._info, self._labels, self._bundle, self._port, self._note = info, labels, bundle, port, note
        self._detector = Detector(bundle) if bundle else None
        rows = min(max(height - OTHER_ROWS - max(len(labels), SHOWN_DETECTIONS), STRIP_ROWS[0]), STRIP_ROWS[1])
        self._bands = Bands(bundle, 2 * rows) if bundle else None
        self._rows = rows
        self._strip: deque[np.ndarray] = deque(maxlen=STRIP_STEPS)
        self._palette = palette()
        self._scores: np.ndarray = np.zeros(len(labels), int)
        self._smoothed: np.ndarray = np.zeros(len(labels), int)
        self._lit: dict[int, int] = {}  # label -> step up to which it is marked
        self._found: deque[tuple[float, str, float]] = deque(maxlen=SHOWN_DETECTIONS)
        self._seconds = 0.0
        self._levels: deque[float] = deque(maxlen=LEVEL_BLOCKS)
        self._clock = StepClock(info.sample_rate_hz, info.window_samples, info.hop_samples, info.frames_per_step)

    def on_event(self, event: Message) -> None:
        """Takes an event."""
        match event:
            case AudioHeard():
                self._levels.append(level_db(np.frombuffer(event.pcm, "<i2")))
            case StepRecord():
                self._on_step(event)
            case DetectionRecord():
                self.detections += 1
                self._lit[event.label] = event.step + LIT_STEPS
                name = name_of(self._labels, event.label)
                self._found.append((self._clock.end_s(event.step), name, event.smoothed_q15 / ONE_Q15))

    def _on_step(self, event: StepRecord) -> None:
        if event.step == 0 and self._detector:
            self._detector.reset()
        self._seconds = self._clock.end_s(event.step)
        self._lit = {label: end for label, end in self._lit.items() if end - LIT_STEPS <= event.step < end}
        scores = np.frombuffer(event.scores, np.int8)
        self._scores = scores.astype(int)
        if self._detector:
            self._detector.step(scores)
            self._smoothed = self._detector.smoothed_q15
        if self._bands and event.features:
            self._strip.append(self._bands.of(event.features).mean(axis=0))
        if time.monotonic() - self._drawn_s >= REFRESH_S:
            self._drawn_s = time.monotonic()
            self.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield self._title()
        parts: list[ConsoleRenderable] = [self._level(width - 15)] if self._levels else []
        if self._bands:
            parts.append(_Strip(list(self._strip), self._rows, self._palette))
        if parts:
            yield Panel(Group(*parts), box=box.ROUNDED, border_style="dim", title="heard", title_align="left")
        table = Table.grid(expand=True)
        table.add_column(ratio=3)
        table.add_column(ratio=2)
        table.add_row(
            self._posteriors(max(10, width * 3 // 5 - 12 - max(map(len, self._labels), default=0))), self._list()
        )
        yield table
        yield self._lost()

    def on_losses(self, losses: Losses) -> None:
        """Takes what was lost so far."""
        self._losses = losses

    def _lost(self) -> Text:
        text = Text("lost: ", "dim")
        for index, (name, count) in enumerate(self._losses.counts().items()):
            text.append("   " * bool(index))
            text.append(f"{count:,}", _LOUD if count else _GOOD)
            text.append(f" {name}", "dim")
        return text

    def _title(self) -> Text:
        info = self._info
        text = Text(info.board, "bold")
        text.append(f"  {info.model_name}, engine {info.engine}, {self._port}", "dim")
        text.append(f"   {self._seconds:8.2f} s", "bold")
        if self._note:
            text.append(f"   {self._note}", "yellow")
        return text

    def _level(self, width: int) -> Text:
        level = max(self._levels)
        share = 0.0 if math.isinf(level) else max(0.0, 1 + level / LEVEL_DB)
        colour = _LOUD if level > -1 else _QUIET if level < -40 else _GOOD
        text = _bar(share, width, colour)
        text.append(f" {level:6.1f} dB" if not math.isinf(level) else "  silent", "dim")
        return text

    def _posteriors(self, width: int) -> Panel:
        table = Table.grid(padding=(0, 1))
        bundle = self._bundle
        for index, label in enumerate(self._labels):
            style = f"bold {_GOOD}" if index in self._lit else ""
            if bundle is None:
                share = (int(self._scores[index]) + 128) / 255
                table.add_row(Text(label, style), _bar(share, width, _QUIET), f"{self._scores[index]:4d}")
                continue
            threshold = bundle.detector.threshold_q15[index]
            share = int(self._smoothed[index]) / ONE_Q15
            colour = _GOOD if share * ONE_Q15 >= threshold else _QUIET
            at = None if threshold == NEVER_Q15 else threshold / ONE_Q15
            table.add_row(Text(label, style), _bar(share, width, colour, at), f"{share:5.2f}")
        title = "smoothed posteriors" if bundle else "scores"
        return Panel(table, box=box.ROUNDED, border_style="dim", title=title, title_align="left")

    def _list(self) -> Panel:
        table = Table.grid(padding=(0, 2))
        for seconds, label, share in reversed(self._found):
            table.add_row(Text(f"{seconds:8.2f} s", "dim"), Text(label, f"bold {_GOOD}"), f"{share:.2f}")
        for _ in range(max(SHOWN_DETECTIONS, len(self._labels)) - len(self._found)):
            table.add_row("", "", "")
        title = f"{self.detections} detection{'s' * (self.detections != 1)}"
        return Panel(table, box=box.ROUNDED, border_style="dim", title=title, title_align="left")


@dataclasses.dataclass
class _Strip:
    """A spectrogram: two bands a row, a step a column, the newest at the right."""

    columns: list[np.ndarray]
    rows: int
    palette: list[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        shown = self.columns[-width:]
        colours = shades(np.array(shown), *range_of(self.columns)) if shown else np.zeros((0, 2 * self.rows), int)
        bands = colours.shape[1]
        for row in range(self.rows):
            yield Segment(" " * (width - len(shown)))
            for column in colours:
                upper, lower = (column[band] if band >= 0 else 0 for band in (bands - 1 - 2 * row, bands - 2 - 2 * row))
                yield Segment("▀", Style(color=self.palette[upper], bgcolor=self.palette[lower]))
            yield Segment.line()


def _bar(share: float, width: int, colour: str, mark: float | None = None) -> Text:
    """A bar in eighths of characters, and a mark on it."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    cells = ["█"] * (eighths // 8) + ([_EIGHTHS[eighths % 8]] if eighths % 8 else [])
    cells += [" "] * (width - len(cells))
    at = width if mark is None else min(round(mark * width), width - 1)
    text = Text().append("".join(cells[:at]), colour)
    if mark is not None:
        text.append("│", "bold white").append("".join(cells[at + 1 :]), colour)
    return text
