"""Pictures of what a self-attention model does with a recording."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.inspect.attention import Attention
from kws_training.plotting import plt

OVERVIEW = "attention.png"


def draw(seen: Attention, title: str, folder: Path) -> list[Path]:
    """Writes the overview and one PNG for each of its parts; returns their paths, the overview first."""
    panels: dict[str, Callable[[Any], None]] = {
        "input_speech": lambda axis: _waveform(axis, seen),
        "features": lambda axis: _rows(axis, seen, seen.features, "Features (MFCC)", seen.input_frame_s, "coefficient"),
        "local_features": lambda axis: _rows(axis, seen, seen.local, "Local features (behind the convolutions)"),
        "queries": lambda axis: _rows(axis, seen, seen.queries, "Queries"),
        "keys": lambda axis: _rows(axis, seen, seen.keys, "Keys"),
        "values": lambda axis: _rows(axis, seen, seen.values, "Values"),
        "softmax": lambda axis: _softmax(axis, seen),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / OVERVIEW]
    figure = plt.figure(figsize=(16, 11), layout="constrained")
    figure.suptitle(title, fontsize=15)
    left, right = figure.add_gridspec(1, 2, width_ratios=(1, 1.25))
    rows, places = left.subgridspec(6, 1), right.subgridspec(2, 1, height_ratios=(5.5, 1))
    for row, name in enumerate(("input_speech", "features", "local_features", "queries", "keys", "values")):
        axis = figure.add_subplot(rows[row])
        panels[name](axis)
        if row < 5:
            axis.set_xlabel("")
            axis.tick_params(labelbottom=False)
    panels["softmax"](figure.add_subplot(places[0]))
    _before(figure.add_subplot(places[1]), seen)
    _save(figure, files[0])
    for name, panel in panels.items():
        figure, axis = plt.subplots(figsize=(8, 7) if name == "softmax" else (9, 3.2), layout="constrained")
        panel(axis)
        files.append(folder / f"{name}.png")
        _save(figure, files[-1])
    return files


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _end_s(seen: Attention) -> float:
    return len(seen.pcm) / seen.sample_rate_hz


def _timeline(axis: Any, seen: Attention) -> None:
    axis.set_xlim(0, _end_s(seen))
    axis.set_xlabel("time, s")


def _waveform(axis: Any, seen: Attention) -> None:
    axis.plot(np.arange(len(seen.pcm)) / seen.sample_rate_hz, seen.pcm, linewidth=0.5, color="tab:blue")
    axis.set_title("Input speech", fontsize=11)
    axis.set_ylabel("int16")
    _timeline(axis, seen)


def _rows(
    axis: Any, seen: Attention, rows: np.ndarray, title: str, frame_s: float | None = None, unit: str = "channel"
) -> None:
    """Frames from left to right, at the time when each is complete; zero is white."""
    frame_s = frame_s or seen.frame_s
    limit = max(float(np.percentile(np.abs(rows), 99.5)), 1e-6)
    extent = (seen.start_s, seen.start_s + len(rows) * frame_s, 0, rows.shape[1])
    style = {"aspect": "auto", "origin": "lower", "interpolation": "nearest"}
    image = axis.imshow(rows.T, extent=extent, cmap="RdBu_r", vmin=-limit, vmax=limit, **style)
    axis.figure.colorbar(image, ax=axis, pad=0.01, aspect=12)
    axis.set_title(title, fontsize=11)
    axis.set_ylabel(unit)
    _timeline(axis, seen)


def _softmax(axis: Any, seen: Attention) -> None:
    start, end = seen.start_s, seen.start_s + len(seen.softmax) * seen.frame_s
    style = {"origin": "upper", "interpolation": "nearest", "aspect": "auto"}
    frame = np.arange(len(seen.softmax))
    distance = frame[:, None] - frame
    shown = np.ma.masked_where((distance < 0) | (distance >= seen.window), seen.softmax)
    limit = max(float(np.percentile(shown.compressed(), 99.5)), 1e-6)
    axis.set_facecolor("0.85")
    image = axis.imshow(shown, extent=(start, end, end, start), cmap="magma", vmin=0, vmax=limit, **style)
    axis.figure.colorbar(image, ax=axis, pad=0.01, label="share of a query's attention")
    axis.set_title("Softmax: where each query looks (row: query, column: key; grey: not seen)", fontsize=11)
    axis.set_xlabel("time of the key, s")
    axis.set_ylabel("time of the query, s")


def _before(axis: Any, seen: Attention) -> None:
    time_s = seen.start_s + (1 + np.arange(len(seen.before))) * seen.frame_s
    axis.fill_between(time_s, 100 * seen.before, color="tab:gray", alpha=0.6, step="pre")
    axis.set_title("Attention on the zeros before the recording", fontsize=11)
    axis.set_ylabel("%")
    axis.set_ylim(0, 100)
    axis.set_xlim(seen.start_s, time_s[-1])
    axis.set_xlabel("time of the query, s")
