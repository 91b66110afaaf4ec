"""The learning curves of a run as a picture."""

from collections.abc import Sequence
from pathlib import Path

from kws_training.plotting import plt, save
from kws_training.train.run_files import score


def draw_learning_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Draws loss and accuracy per epoch, training and validation.

    Args:
      history: one entry per epoch with ``epoch``, ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``; with
        scenes of speech ``val_recall``.
      path: PNG to write.
    """
    epochs = [entry["epoch"] for entry in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for axis, key, title in ((left, "loss", "Cross-entropy"), (right, "accuracy", "Accuracy, %")):
        factor = 100.0 if key == "accuracy" else 1.0
        axis.plot(epochs, [factor * entry[key] for entry in history], label="training (augmented)")
        axis.plot(epochs, [factor * entry[f"val_{key}"] for entry in history], label="validation")
        if key == "accuracy" and all("val_recall" in entry for entry in history):
            axis.plot(epochs, [100 * entry["val_recall"] for entry in history], label="recall among validation speech")
        axis.set_title(title)
        axis.set_xlabel("Epoch")
        axis.grid(alpha=0.3)
        axis.legend()
    best = max(history, key=score)
    right.annotate(
        f"best {100 * best['val_accuracy']:.2f} %",
        (best["epoch"], 100 * best["val_accuracy"]),
        textcoords="offset points",
        xytext=(0, -18),
        ha="center",
    )
    save(figure, path)
