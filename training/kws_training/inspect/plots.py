"""Pictures as PNG: learning curves, confusion matrices, DET curves, timelines of scores."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["text.parse_math"] = False  # "$" in a label or a name is a dollar
import matplotlib.pyplot as plt  # noqa: E402  the backend comes first: no display is needed
import matplotlib.ticker  # noqa: E402
import numpy as np  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.system.files import replacing  # noqa: E402


def learning_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Draws loss and accuracy per epoch, training and validation.

    Args:
      history: one entry per epoch with ``epoch``, ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``.
      path: PNG to write.
    """
    epochs = [entry["epoch"] for entry in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for axis, key, title in ((left, "loss", "Cross-entropy"), (right, "accuracy", "Accuracy, %")):
        factor = 100.0 if key == "accuracy" else 1.0
        axis.plot(epochs, [factor * entry[key] for entry in history], label="training (augmented)")
        axis.plot(epochs, [factor * entry[f"val_{key}"] for entry in history], label="validation")
        axis.set_title(title)
        axis.set_xlabel("Epoch")
        axis.grid(alpha=0.3)
        axis.legend()
    best = max(history, key=lambda entry: entry["val_accuracy"])
    right.annotate(
        f"best {100 * best['val_accuracy']:.2f} %",
        (best["epoch"], 100 * best["val_accuracy"]),
        textcoords="offset points",
        xytext=(0, -18),
        ha="center",
    )
    _save(figure, path)


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
    _save(figure, path)


def det_curve(
    totals: dict[str, Sequence[tuple[float, float]]],
    labels: dict[str, Sequence[tuple[float, float]]],
    points: dict[str, tuple[float, float]],
    hours: float,
    title: str,
    path: Path,
) -> None:
    """Draws miss rate against false accepts per hour, both logarithmic: all keywords left, each one alone right.

    Args:
      totals: name to points (false accepts per hour, miss rate 0..1), one for each threshold, of all keywords.
      labels: the same for each keyword alone.
      points: operating points to mark on the left.
      hours: length of the recording; no false accept is drawn at half an accept, the left edge.
      title: headline.
      path: PNG to write.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6), layout="constrained", sharex=True, sharey=True)
    every = [*points.values(), *(point for curve in (*totals.values(), *labels.values()) for point in curve)]
    none_heard = 0.5 / hours
    none_missed = 0.6 * max(0.001, min([miss for _, miss in every if miss > 0], default=0.1))
    colours = _colours(list(labels))

    def draw(axis, curve, *style, **more) -> None:
        rates, misses = np.array(curve, float).reshape(-1, 2).T
        axis.plot(np.maximum(rates, none_heard), 100 * np.maximum(misses, none_missed), *style, **more)

    for (name, curve), style in zip(totals.items(), ("-", "--", ":"), strict=False):
        draw(left, curve, style, color="black", linewidth=1.8, label=name)
    for (name, point), mark in zip(points.items(), "oD^", strict=False):
        text = f"{name}: {point[0]:.1f} per hour, {100 * point[1]:.1f} % missed"
        draw(left, [point], mark, markersize=11, markeredgecolor="white", label=text)
    for name, curve in labels.items():
        draw(right, curve, color=colours[name], linewidth=1.5, label=name)
    highest = max([rate for rate, _ in every], default=1.0)
    for axis, heading in ((left, "All keywords, one threshold for all"), (right, "Each keyword alone")):
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlim(none_heard * 0.8, max(highest, 10 * none_heard) * 1.4)
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
        axis.legend(fontsize=9, loc="best" if axis is left else "upper right", ncols=1 if axis is left else 2)
    left.set_ylabel("Keywords missed, %")
    figure.suptitle(title)
    _save(figure, path)


def score_timeline(
    pcm: np.ndarray,
    start_s: float,
    posteriors: tuple[np.ndarray, np.ndarray],
    words: Sequence[tuple[float, float, str, str]],
    detections: Sequence[tuple[float, str, bool]],
    thresholds: dict[str, float],
    title: str,
    path: Path,
) -> None:
    """Draws some seconds of a recording: the sound with its words, and below it the keywords' smoothed posteriors.

    Args:
      pcm: int16 ``[samples]`` at 16 kHz, from ``start_s`` on.
      start_s: time of the first sample, seconds.
      posteriors: times in seconds ``[steps]`` and smoothed posteriors 0..1 ``[steps, keywords]``, in the order of
        ``thresholds``.
      words: start and end in seconds, text, and the keyword's label ("" for unknown words and noise).
      detections: time in seconds, label, and whether it found a word.
      thresholds: of each keyword, 0..1; 1 is never reached.
      title: headline.
      path: PNG to write.
    """
    names = list(thresholds)
    colours = _colours(names)
    figure, (sound, score) = plt.subplots(
        2, 1, figsize=(15, 7), layout="constrained", sharex=True, height_ratios=(1, 1.6)
    )
    seconds = start_s + np.arange(len(pcm)) / 16000
    peak = max(1.0, float(np.abs(pcm.astype(np.float64)).max()))
    sound.plot(seconds[::8], pcm[::8] / peak, color="0.45", linewidth=0.4)
    for begin, end, text, label in words:
        colour = colours.get(label, "0.75")
        for axis in (sound, score):
            axis.axvspan(begin, end, color=colour, alpha=0.22 if label else 0.3, linewidth=0)
        sound.text(
            (begin + end) / 2,
            1.08,
            text,
            ha="center",
            va="bottom",
            fontsize=10,
            color=colour if label else "0.4",
            fontweight="bold" if label else "normal",
            fontstyle="normal" if label else "italic",
        )
    sound.set_ylim(-1.05, 1.45)
    sound.set_yticks([])
    sound.set_ylabel("Sound")
    times, values = posteriors
    shown = {label for *_, label in words if label} | {label for _, label, _ in detections}
    for column, name in enumerate(names):
        active = name in shown or (len(values) and values[:, column].max() > 0.3)
        score.plot(
            times,
            values[:, column],
            color=colours[name],
            linewidth=1.8 if active else 0.6,
            label=name if active else None,
        )
    for level in sorted({thresholds[name] for name in names if name in shown and thresholds[name] < 1}):
        owners = [name for name in names if thresholds[name] == level]
        colour = "black" if len(owners) == len(names) else colours[next(name for name in owners if name in shown)]
        score.axhline(level, color=colour, linewidth=0.9, linestyle="--", alpha=0.7)
    for time, label, right in detections:
        score.plot(
            time,
            1.06,
            marker="v" if right else "X",
            markersize=11,
            color=colours[label] if right else "red",
            markeredgecolor="white",
            zorder=5,
        )
        score.vlines(time, 0, 1.04, color=colours[label] if right else "red", linewidth=1, linestyle=":")
        if not right:
            score.text(time, 1.12, label, color="red", fontsize=9, ha="center", va="bottom")
    score.plot([], [], "v", color="0.3", markersize=9, label="detected")
    score.plot([], [], "X", color="red", markersize=9, label="false accept")
    score.plot([], [], "--", color="black", linewidth=0.9, label="threshold")
    score.set_ylim(0, 1.22)
    score.set_yticks(np.arange(0, 1.01, 0.2))
    score.set_xlim(start_s, start_s + len(pcm) / 16000)
    score.set_ylabel("Smoothed posterior")
    score.set_xlabel("Seconds")
    score.grid(alpha=0.25)
    score.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=9, ncols=13)
    figure.suptitle(title)
    _save(figure, path, 110)


def _save(figure: plt.Figure, path: Path, dpi: int = 120) -> None:
    """Replaces a picture as a whole: a full disk leaves the old one."""
    try:
        with replacing(path) as file, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # of labels in scripts that the font lacks: boxes
            figure.savefig(file, format="png", dpi=dpi)
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. Free space and run again.") from None
    finally:
        plt.close(figure)


def _colours(names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """A colour for each name; none is grey, which is for what is no keyword."""
    palette = [colour for colour in plt.get_cmap("tab20").colors if max(colour) - min(colour) > 0.1]
    palette = [*palette[::2], (0.1, 0.15, 0.4), *palette[1::2]]  # the dark ones of tab20's pairs first
    return {name: palette[index % len(palette)] for index, name in enumerate(names)}
