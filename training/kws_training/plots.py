"""Pictures of a training: learning curves and confusion matrices as PNG."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend comes first: no display is needed
import numpy as np  # noqa: E402


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
    figure.savefig(path, dpi=120)
    plt.close(figure)


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
    figure.savefig(path, dpi=120)
    plt.close(figure)
