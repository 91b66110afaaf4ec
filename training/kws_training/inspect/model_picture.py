"""A picture of a described model: its block diagram from top to bottom, states as rings beside the boxes."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend comes first: no display is needed
from matplotlib.patches import FancyBboxPatch, Wedge  # noqa: E402

from kws_training.inspect.block_diagram import Box, Edge, boxes_of, edges_of  # noqa: E402
from kws_training.inspect.description import Description, Layer  # noqa: E402
from kws_training.inspect.diagram_layout import (
    BOX,
    GAP,
    HEIGHT,
    PITCH,
    RINGS,
    column_width,
    columns_of,
    lane_places,
    parts_of,
    place,
    ring_width,
)  # noqa: E402
from kws_training.inspect.table import dimensions  # noqa: E402

# Inches
_MARGIN = 0.3
_TITLE = 0.75
_RADIUS = 0.13
_MOST_RINGS = 3

_LINE, _TEXT, _FAINT = "#555555", "#222222", "#888888"
_FAMILIES = (  # the first word that a layer's kind contains
    ("depthwise convolution", "#cfe8e3", ("depthwise", "separable")),
    ("convolution", "#cfe0f5", ("conv",)),
    ("attention", "#f6d3d3", ("attention", "softmax")),
    ("recurrent", "#e0d4f0", ("gru", "lstm", "rnn", "bidirectional")),
    ("product", "#fbe2c4", ("dense", "fully_connected", "matmul")),
    ("pooling", "#d9ecc9", ("pool", "flatten")),
    ("delay", "#f7f0b8", ("delay",)),
    ("other", "#eeeeee", ("",)),
)


def draw(description: Description, path: Path) -> None:
    """Writes the picture as PNG."""
    boxes = boxes_of(description)
    edges = edges_of(boxes)
    place(boxes, edges)
    _Canvas(description, boxes, edges, columns_of(boxes, edges)).save(path)


class _Canvas:
    def __init__(self, description: Description, boxes: list[Box], edges: list[Edge], columns: list[int]):
        self._description, self._boxes, self._edges, self._starts = description, boxes, edges, columns
        self._rings, self._lane_x = ring_width(boxes), lane_places(boxes, edges)[0]
        parts = parts_of(columns, max(box.row for box in boxes) + 1)
        widths = [column_width(boxes, edges, *part) for part in parts]
        self._left = [_MARGIN + sum(widths[:column]) for column in range(len(columns))]
        # A row for the pill that a further column starts with.
        tallest = max(end - start + (index > 0) for index, (start, end) in enumerate(parts))
        self._width = max(sum(widths) + 2 * _MARGIN, 6.5)
        self._height = tallest * PITCH + _TITLE + 0.75
        self._figure = plt.figure(figsize=(self._width, self._height))
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_xlim(0, self._width)
        self._axes.set_ylim(0, self._height)
        self._axes.axis("off")

    def save(self, path: Path) -> None:
        """Draws everything and writes the PNG."""
        for edge in self._edges:
            self._edge(edge)
        for index in range(1, len(self._starts)):
            self._carry(index)
        for box in self._boxes:
            self._box(box)
        for name in self._description.outputs:
            self._output(name)
        self._title()
        self._legend()
        longest = max(self._width, self._height)
        self._figure.savefig(path, dpi=min(150, int(12000 / longest)), facecolor="white")
        plt.close(self._figure)

    # Places

    def _column(self, row: int) -> int:
        return sum(start <= row for start in self._starts) - 1

    def _x(self, column: int, lane: int) -> float:
        return self._left[column] + self._rings + BOX / 2 + self._lane_x[lane]

    def _y(self, column: int, row: float) -> float:
        return self._height - _TITLE - (row - self._starts[column] + (column > 0) + 0.5) * PITCH

    def _at(self, box: Box) -> tuple[float, float]:
        column = self._column(box.row)
        return self._x(column, box.lane), self._y(column, box.row)

    # Pieces

    def _box(self, box: Box) -> None:
        x, y = self._at(box)
        layer = box.layer
        colour = "white" if layer.kind == "input" else _family(layer.kind)[1]
        self._axes.add_patch(
            FancyBboxPatch(
                (x - BOX / 2, y - HEIGHT / 2),
                BOX,
                HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=colour,
                edgecolor=_LINE,
                linewidth=0.8,
            )
        )
        name, lines = layer.name, [" + ".join([layer.kind, *box.extras]), _figures(layer, self._description.hop_ms)]
        if layer.kind == "input":
            lines = [f"{dimensions(layer.output)} a {'clip' if self._description.form == 'batch' else 'step'}"]
        elif self._description.form == "bundle":  # an operator's name is its number and its kind
            name = f"{name.split()[0]} {lines.pop(0)}"
        heights = [0.13, -0.03, -0.16] if len(lines) == 2 else [0.08, -0.09]
        self._text(x, y + heights[0], name, 7.2, weight="bold", width=BOX)
        for height, line in zip(heights[1:], lines, strict=True):
            self._text(x, y + height, line, 6, width=BOX)
        if layer.states:
            self._states(box, x, y)

    def _states(self, box: Box, x: float, y: float) -> None:
        side = -1 if box.lane == 0 else 1
        states = list(box.layer.states.items())
        shown = states[:_MOST_RINGS]
        radius = _RADIUS if len(shown) == 1 else 0.095
        spread = 0.25 if len(shown) > 1 else 0.0
        for index, (name, shape) in enumerate(shown):
            middle = y + spread * ((len(shown) - 1) / 2 - index)
            centre = x + side * (BOX / 2 + 0.27)
            self._axes.plot([x + side * BOX / 2, centre - side * radius], [middle] * 2, color=_LINE, lw=0.8)
            for part in range(8):
                self._axes.add_patch(
                    Wedge(
                        (centre, middle),
                        radius,
                        part * 45,
                        part * 45 + 45,
                        width=radius * 0.5,
                        facecolor="#4a7ab5" if part % 2 else "#a9c4e4",
                        edgecolor="white",
                        linewidth=0.3,
                    )
                )
            label = dimensions(tuple(extent for extent in shape if extent != 1) or (1,))
            if len(states) > 1:
                label = f"{name.removeprefix(box.layer.name + '_')} {label}"
            more = f" (+ {len(states) - _MOST_RINGS})" if index == _MOST_RINGS - 1 < len(states) - 1 else ""
            edge = centre + side * (radius + 0.05)
            self._text(edge, middle, label + more, 5.8, align="right" if side < 0 else "left", width=RINGS - 0.45)

    def _edge(self, edge: Edge) -> None:
        column = self._column(edge.target.row)
        x1, y1 = self._at(edge.target)
        if self._column(edge.source.row) == column:
            x0, y0 = self._at(edge.source)
            lane0, below = edge.source.lane, y0 - HEIGHT / 2
        else:  # from the pill at the column's top
            x0, y0 = self._x(column, 0), self._y(column, self._starts[column] - 1)
            lane0, below = 0, y0 - 0.11
        beside = BOX / 2 if y0 - below > 0.2 else BOX / 2 * 0.9
        if x0 == x1 and edge.lane == lane0:
            self._arrow([(x0, below), (x1, y1 + HEIGHT / 2)])
            return
        lane = max(edge.lane, lane0)
        x = self._x(column, lane)
        points = [(x0 + beside, y0 - (0.1 if y0 - below > 0.2 else 0)), (x, y0 - (0.1 if y0 - below > 0.2 else 0))]
        if lane0 == lane:  # leaves downwards
            points = [(x, below)]
        if edge.target.lane == lane and edge.target.lane:
            points.append((x, y1 + HEIGHT / 2))
        else:
            points += [(x, y1 + 0.1), (x1 + BOX / 2, y1 + 0.1)]
        self._arrow(points)

    def _carry(self, column: int) -> None:
        """What goes on in the next column: a line to the pill with its name."""
        crossing = [e for e in self._edges if e.source.row < self._starts[column] <= e.target.row]
        source = crossing[0].source
        x, y = self._x(column, 0), self._y(column, self._starts[column] - 1)
        x0, y0 = self._at(source)
        bottom = y0 - HEIGHT / 2 - 0.17
        gutter = self._x(column, 0) - BOX / 2 - self._rings - GAP
        top = y + 0.3
        self._arrow([(x0, y0 - HEIGHT / 2), (x0, bottom), (gutter, bottom), (gutter, top), (x, top), (x, y + 0.11)])
        self._axes.add_patch(
            FancyBboxPatch(
                (x - BOX / 2 * 0.9, y - 0.11),
                BOX * 0.9,
                0.22,
                boxstyle="round,pad=0,rounding_size=0.11",
                facecolor="white",
                edgecolor=_FAINT,
                linewidth=0.7,
            )
        )
        self._text(x, y, source.layer.name, 6, color=_FAINT, width=BOX * 0.9)

    def _output(self, name: str) -> None:
        box = next((b for b in self._boxes if b.layer.name == name), None)
        box = box or next(b for b in self._boxes if b.extras and b is self._boxes[-1])
        x, y = self._at(box)
        self._arrow([(x, y - HEIGHT / 2), (x, y - HEIGHT / 2 - 0.3)])
        self._text(x, y - HEIGHT / 2 - 0.38, "output", 6.5, color=_FAINT)

    def _title(self) -> None:
        d = self._description
        if d.form == "batch":
            line = f"{d.parameters:,} parameters, {d.macs:,} MACs a clip ({d.run_ms:,.0f} ms); it does not stream"
        else:
            line = (
                f"{d.parameters:,} parameters; a step of {d.run_ms:.0f} ms: {d.macs:,} MACs, "
                f"{d.state_elements:,} state bytes in int8; latency {d.latency_ms:.0f} ms"
            )
        self._text(_MARGIN, self._height - 0.25, d.name, 11, weight="bold", align="left")
        self._text(_MARGIN, self._height - 0.48, line, 7, align="left")

    def _legend(self) -> None:
        used = [family for family in _FAMILIES if any(_family(box.layer.kind) is family for box in self._boxes[1:])]
        x = _MARGIN
        if any(box.layer.states for box in self._boxes):
            for part in range(8):
                self._axes.add_patch(
                    Wedge(
                        (x + 0.08, 0.22),
                        0.08,
                        part * 45,
                        part * 45 + 45,
                        width=0.04,
                        facecolor="#4a7ab5" if part % 2 else "#a9c4e4",
                    )
                )
            self._text(x + 0.24, 0.22, "state", 6.5, align="left")
            x += 0.75
        for name, colour, _ in used:
            self._axes.add_patch(plt.Rectangle((x, 0.15), 0.2, 0.14, facecolor=colour, edgecolor=_LINE, linewidth=0.6))
            self._text(x + 0.26, 0.22, name, 6.5, align="left")
            x += 0.26 + 0.065 * len(name) + 0.2

    def _arrow(self, points: list[tuple[float, float]]) -> None:
        xs, ys = zip(*points[:-1], strict=True) if len(points) > 2 else ((), ())
        if xs:
            self._axes.plot(xs, ys, color=_LINE, lw=0.9, solid_joinstyle="round", zorder=0.5)
        self._axes.annotate(
            "",
            xy=points[-1],
            xytext=points[-2],
            arrowprops={
                "arrowstyle": "-|>",
                "color": _LINE,
                "lw": 0.9,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 7,
            },
            zorder=0.5,
        )

    def _text(
        self, x: float, y: float, text: str, size: float, *, weight="normal", align="center", color=_TEXT, width=None
    ) -> None:
        if width:  # a character is about half as wide as it is high
            size = min(size, 72 * width / (0.56 * max(len(text), 1)))
        self._axes.text(x, y, text, fontsize=size, ha=align, va="center", color=color, fontweight=weight)


def _family(kind: str) -> tuple[str, str, tuple[str, ...]]:
    lower = kind.lower()
    return next(family for family in _FAMILIES if any(word in lower for word in family[2]))


def _figures(layer: Layer, hop_ms: float) -> str:
    parts = [dimensions(layer.output)]
    if layer.parameters:
        parts.append(f"{layer.parameters:,} par.")
    if layer.macs:
        parts.append(f"{layer.macs:,} MAC")
    if layer.delay_frames:
        parts.append(f"+ {layer.delay_frames * hop_ms:.0f} ms")
    return "   ".join(parts)
