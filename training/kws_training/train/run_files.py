"""Files of a run folder as they are read: settings, history, and the checkpoint that holds a finished epoch."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.errors import KwsError

from kws_training.train.weights import numbered, read_arrays, unusable

SETTINGS, HISTORY, CHECKPOINT, BEST = "settings.json", "history.json", "last.npz", "best.npz"


@dataclasses.dataclass(frozen=True)
class Commit:
    """What ``last.npz`` says of the finished epochs.

    Attributes:
      history: an entry for each.
      best: weights of the best epoch (`score`).
    """

    history: list[dict[str, Any]]
    best: list[np.ndarray]


def committed(path: Path) -> Commit | None:
    """The finished epochs, if the checkpoint tells them; None for runs whose checkpoint is missing or from before.

    Raises:
      KwsError: the checkpoint is damaged.
    """
    file = path / CHECKPOINT
    if not file.exists():
        return None
    arrays = read_arrays(file)
    if "history" not in arrays:
        return None
    try:
        history = json.loads(arrays["history"].tobytes())
        return Commit(_checked_history(history, file), numbered(arrays, "best"))
    except (ValueError, KeyError) as error:
        raise unusable(file, error) from None


def read_history(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The history of a run: an entry for each finished epoch, none if there is no history yet.

    Raises:
      KwsError: the file is no list of entries with a validation accuracy.
    """
    finished = committed(Path(path))
    if finished:
        return finished.history
    file = Path(path) / HISTORY
    history = read_json(file)
    return [] if history is None else _checked_history(history, file)


def best_epoch(path: str | os.PathLike) -> dict[str, Any]:
    """The history's entry of the epoch whose weights a run holds as its best (`score`).

    Raises:
      KwsError: there is no finished epoch, or the history is damaged.
    """
    history = read_history(path)
    if not history:
        raise KwsError(f"{Path(path) / HISTORY} lists no finished epoch. Restore it or train again.")
    return max(history, key=score)


def score(entry: dict[str, Any]) -> float:
    """What chooses the best epoch: the accuracy of validation clips; among speech what `score_among_speech` says.

    The first runs among speech did not record that: they were chosen by a single epoch.
    """
    accuracy = entry["val_accuracy"]
    return entry.get("val_score", (accuracy + entry.get("val_recall", accuracy)) / 2)


def score_among_speech(history: Sequence[dict[str, Any]], entry: dict[str, Any]) -> float:
    """Mean of an epoch's accuracy and its recall among speech, over this epoch and the two before.

    The recall hangs on a few moments of the validation speech: the highest of many epochs would be so by chance.
    """
    entries = [*history[-2:], entry]
    return sum(item["val_accuracy"] + item["val_recall"] for item in entries) / (2 * len(entries))


def read_json(path: Path) -> Any:
    """What a file holds; None if there is none.

    Raises:
      KwsError: it is no JSON.
    """
    try:
        return json.loads(path.read_text()) if path.exists() else None
    except ValueError as error:
        raise KwsError(f"{path} is not JSON ({error}). Restore it, or delete the run folder and start again.") from None


def _checked_history(history: Any, file: Path) -> list[dict[str, Any]]:
    entries = history if isinstance(history, list) else [None]
    if not all(isinstance(entry, dict) and _is_share(entry.get("val_accuracy")) for entry in entries):
        raise KwsError(f"{file} is no list of epochs with their val_accuracy. Restore it or train again.")
    return history


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1
