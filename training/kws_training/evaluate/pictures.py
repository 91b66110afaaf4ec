"""Pictures of an evaluation as PNG: confusion matrix and DET curves."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.ticker
import numpy as np

from kws_training.evaluate.curves import DetCurves, Point
from kws_training.plotting import colours, plt, save


def confusion(matrix: np.ndarray, labels: Sequence[str], title: str, path: Path) -> None:
    """Draws a confusion matrix.

    Args:
      matrix: counts ``[true, predicted]``.
      labels: names of the classes.
      title: headline.
      path: PNG to write.
    """
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    figure, axis = plt.subplots(figsize=(8, 7), layout="constrained")
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axis.set_yticks(range(len(labels)), labels)
    axis.set_xlabel("Heard")
    axis.set_ylabel("Spoken")
    axis.set_title(title)
    for row, column in np.argwhere(matrix > 0):
        colour = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, str(matrix[row, column]), ha="center", va="center", color=colour, fontsize=8)
    save(figure, path)


def det_curve(
    curves: DetCurves,
    points: dict[str, Point],
    hours: float,
    title: str,
    path: Path,
    rates: Point | None = None,
) -> None:
    """Draws miss rate against false accepts per hour, both logarithmic: all keywords left, each one alone right.

    Args:
      curves: of all keywords, and of each alone.
      points: name to operating points to mark on the left.
      hours: length of the recording; no false accept is drawn at half an accept, the left edge.
      title: headline.
      path: PNG to write.
      rates: false accepts per hour of the left and the right edge; None: as the curves need.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6), layout="constrained", sharex=True, sharey=True)
    totals, labels = curves.all_keywords, curves.alone
    every = [*points.values(), *(point for curve in (*totals.values(), *labels.values()) for point in curve)]
    none_heard = max(0.5 / hours, rates[0] if rates else 0.0)
    none_missed = 0.6 * max(0.001, min([miss for _, miss in every if miss > 0], default=0.1))
    colour_of = colours(list(labels))

    def draw(axis, curve, *style, **more) -> None:
        rates, misses = np.array(curve, float).reshape(-1, 2).T
        axis.plot(np.maximum(rates, none_heard), 100 * np.maximum(misses, none_missed), *style, **more)

    for (name, curve), style in zip(totals.items(), ("-", "--", ":"), strict=False):
        draw(left, curve, style, color="black", linewidth=1.8, label=name)
    for (name, point), mark in zip(points.items(), "oD^", strict=False):
        text = f"{name}: {point[0]:.1f} per hour, {100 * point[1]:.1f} % missed"
        draw(left, [point], mark, markersize=11, markeredgecolor="white", label=text)
    for name, curve in labels.items():
        draw(right, curve, color=colour_of[name], linewidth=1.5, label=name)
    highest = max([rate for rate, _ in every], default=1.0)
    for axis, heading in ((left, "All keywords, one threshold for all"), (right, "Each keyword alone")):
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlim(*(rates or (none_heard * 0.8, max(highest, 10 * none_heard) * 1.4)))
        axis.set_ylim(85 * none_missed, 115)
        axis.axvline(none_heard, color="grey", linewidth=0.8, linestyle=":")
        axis.axhline(100 * none_missed, color="grey", linewidth=0.8, linestyle=":")
        axis.text(none_heard, 110 * none_missed, " no false accept", fontsize=8, color="grey", va="bottom", rotation=90)
        axis.text(
            axis.get_xlim()[1], 100 * none_missed, "none missed ", fontsize=8, color="grey", ha="right", va="bottom"
        )
        for ticks in (axis.xaxis, axis.yaxis):
            ticks.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5), numticks=40))
            ticks.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            ticks.set_minor_formatter(matplotlib.ticker.NullFormatter())
        axis.grid(alpha=0.3, which="major")
        axis.set_xlabel("False accepts per hour")
        axis.set_title(heading, fontsize=11)
        axis.legend(fontsize=9, loc="best", ncols=1 if axis is left else 2)
    left.set_ylabel("Keywords missed, %")
    figure.suptitle(title)
    save(figure, path)
