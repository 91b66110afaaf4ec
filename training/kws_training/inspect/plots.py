"""Pictures as PNG: learning curves, and what all pictures share."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["text.parse_math"] = False  # "$" in a label or a name is a dollar
import matplotlib.pyplot as plt  # noqa: E402  the backend comes first: no display is needed
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
    save(figure, path)


def save(figure: plt.Figure, path: Path, dpi: int = 120) -> None:
    """Replaces a picture as a whole: a full disk leaves the old one.

    Raises:
      KwsError: it cannot be written.
    """
    try:
        with replacing(path) as file, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # of labels in scripts that the font lacks: boxes
            figure.savefig(file, format="png", dpi=dpi)
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. Free space and run again.") from None
    finally:
        plt.close(figure)


def colours(names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """A colour for each name; none is grey, which is for what is no keyword."""
    palette = [colour for colour in plt.get_cmap("tab20").colors if max(colour) - min(colour) > 0.1]
    palette = [*palette[::2], (0.1, 0.15, 0.4), *palette[1::2]]  # the dark ones of tab20's pairs first
    return {name: palette[index % len(palette)] for index, name in enumerate(names)}
