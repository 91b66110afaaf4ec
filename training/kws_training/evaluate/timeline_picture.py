"""The picture of a `Timeline`: the sound with its words, and below it the keywords' smoothed posteriors."""

from pathlib import Path

import numpy as np

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.evaluate.timeline import Timeline
from kws_training.plotting import colours, plt, save

_Colours = dict[str, tuple[float, ...]]


def draw_timeline(timeline: Timeline, title: str, path: Path) -> None:
    """Draws a timeline.

    Args:
      timeline: what is seen.
      title: headline.
      path: PNG to write.
    """
    figure, (sound, score) = plt.subplots(
        2, 1, figsize=(15, 7), layout="constrained", sharex=True, height_ratios=(1, 1.6)
    )
    colour_of = colours(list(timeline.thresholds))
    _draw_sound(sound, timeline)
    _draw_words(sound, score, timeline, colour_of)
    _draw_posteriors(score, timeline, colour_of)
    _draw_thresholds(score, timeline, colour_of)
    _draw_detections(score, timeline, colour_of)
    score.set_ylim(0, 1.22)
    score.set_yticks(np.arange(0, 1.01, 0.2))
    score.set_xlim(timeline.start_s, timeline.start_s + len(timeline.pcm) / SAMPLE_RATE_HZ)
    score.set_ylabel("Smoothed posterior")
    score.set_xlabel("Seconds")
    score.grid(alpha=0.25)
    score.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=9, ncols=13)
    figure.suptitle(title)
    save(figure, path, 110)


def _draw_sound(axis: plt.Axes, timeline: Timeline) -> None:
    seconds = timeline.start_s + np.arange(len(timeline.pcm)) / SAMPLE_RATE_HZ
    peak = max(1.0, float(np.abs(timeline.pcm.astype(np.float64)).max()))
    axis.plot(seconds[::8], timeline.pcm[::8] / peak, color="0.45", linewidth=0.4)
    axis.set_ylim(-1.05, 1.45)
    axis.set_yticks([])
    axis.set_ylabel("Sound")


def _draw_words(sound: plt.Axes, score: plt.Axes, timeline: Timeline, colour_of: _Colours) -> None:
    """Shades each word in both panels and names it above the sound."""
    for begin, end, text, label in timeline.words:
        colour = colour_of.get(label, "0.75")
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


def _shown(timeline: Timeline) -> set[str]:
    """Keywords that are spoken or detected."""
    return {label for *_, label in timeline.words if label} | {label for _, label, _ in timeline.detections}


def _draw_posteriors(axis: plt.Axes, timeline: Timeline, colour_of: _Colours) -> None:
    """A line for each keyword; thick and named where there is something to see."""
    shown, values = _shown(timeline), timeline.posteriors
    for column, name in enumerate(timeline.thresholds):
        active = name in shown or (len(values) and values[:, column].max() > 0.3)
        axis.plot(
            timeline.times_s,
            values[:, column],
            color=colour_of[name],
            linewidth=1.8 if active else 0.6,
            label=name if active else None,
        )


def _draw_thresholds(axis: plt.Axes, timeline: Timeline, colour_of: _Colours) -> None:
    """The thresholds of the keywords shown, black where it is that of all."""
    shown, thresholds = _shown(timeline), timeline.thresholds
    for level in sorted({level for name, level in thresholds.items() if name in shown and level < 1}):
        owners = [name for name in thresholds if thresholds[name] == level]
        of_all = len(owners) == len(thresholds)
        colour = "black" if of_all else colour_of[next(name for name in owners if name in shown)]
        axis.axhline(level, color=colour, linewidth=0.9, linestyle="--", alpha=0.7)


def _draw_detections(axis: plt.Axes, timeline: Timeline, colour_of: _Colours) -> None:
    """A mark for each detection, false accepts in red and named; and the legend's entries."""
    for time, label, right in timeline.detections:
        colour = colour_of[label] if right else "red"
        axis.plot(
            time, 1.06, marker="v" if right else "X", markersize=11, color=colour, markeredgecolor="white", zorder=5
        )
        axis.vlines(time, 0, 1.04, color=colour, linewidth=1, linestyle=":")
        if not right:
            axis.text(time, 1.12, label, color="red", fontsize=9, ha="center", va="bottom")
    axis.plot([], [], "v", color="0.3", markersize=9, label="detected")
    axis.plot([], [], "X", color="red", markersize=9, label="false accept")
    axis.plot([], [], "--", color="black", linewidth=0.9, label="threshold")
