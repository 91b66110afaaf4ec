"""A training run on disk: settings, checkpoint, history. A killed run continues from its last finished epoch."""

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.bundle import MANIFEST_FILE
from kws_reference.errors import KwsError

from kws_training.models import DEFAULT, FRAMES_PER_STEP, architecture
from kws_training.quantize import matchbox as quantized_matchbox
from kws_training.quantize.precision import Precision

SETTINGS, HISTORY, CHECKPOINT, BEST = "settings.json", "history.json", "last.npz", "best.npz"


class RunFolder:
    """Files of one run. Every file is replaced atomically, the history last: what it lists is on disk."""

    def __init__(self, path: str | os.PathLike, settings: dict[str, Any]):
        """Opens or creates a run.

        Args:
          path: folder.
          settings: everything that defines the run, as JSON values.

        Raises:
          KwsError: the folder holds a run with other settings, or cannot be written.
        """
        self.path = Path(path)
        settings = json.loads(json.dumps(settings))
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            earlier = _read(self.path / SETTINGS)
            if earlier is not None and earlier != settings:
                changed = sorted(k for k in {*earlier, *settings} if earlier.get(k) != settings.get(k))
                raise KwsError(
                    f"{self.path} holds a run with other {', '.join(changed)}. Continue that, or choose another --out."
                )
            self.write_json(SETTINGS, settings)
        except OSError as error:
            raise KwsError(
                f"cannot write to {self.path}: {error.strerror}. Free space or choose another --out."
            ) from None
        self.history: list[dict[str, float]] = read_history(self.path)

    def finish_epoch(
        self,
        model: keras.Model,
        entry: dict[str, float],
        validated: Callable[[keras.Model], AbstractContextManager] = contextlib.nullcontext,
    ) -> None:
        """Saves weights, optimizer and history after an epoch; keeps the weights of the best validation accuracy.

        Args:
          model: compiled.
          entry: of the history.
          validated: gives the model, for a while, the weights that `entry` is about.
        """
        best = max((old["val_accuracy"] for old in self.history), default=-1.0)
        self._save(model, CHECKPOINT)
        if entry["val_accuracy"] > best:
            with validated(model):
                self._save(model, BEST)
        self.history = [*self.history, entry]
        self.write_json(HISTORY, self.history)

    def restore(self, model: keras.Model) -> None:
        """Loads the weights and the optimizer's variables of the last finished epoch into a compiled model.

        Raises:
          KwsError: the checkpoint is missing, damaged or of another model.
        """
        model.optimizer.build(model.trainable_variables)
        arrays = load_weights(model, self.path / CHECKPOINT)
        for index, variable in enumerate(model.optimizer.variables):
            variable.assign(arrays[f"optimizer_{index}"])

    def write_json(self, name: str, value: Any) -> None:
        """Replaces a JSON file of the run."""
        partial = self.path / f"{name}.partial"
        partial.write_text(json.dumps(value, indent=1) + "\n")
        os.replace(partial, self.path / name)

    def _save(self, model: keras.Model, name: str) -> None:
        # Not Keras's own format: its HDF5 library ends the process when the disk is full.
        arrays = {f"weight_{index}": value for index, value in enumerate(model.get_weights())}
        arrays |= {f"optimizer_{index}": value.numpy() for index, value in enumerate(model.optimizer.variables)}
        partial = self.path / f"{name}.partial"
        try:
            with partial.open("wb") as file:
                np.savez(file, **arrays)
            os.replace(partial, self.path / name)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise KwsError(
                f"cannot write {self.path / name}: {error.strerror}. Free space and run again: the last epoch is kept."
            ) from None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text()) if path.exists() else None
    except ValueError as error:
        raise KwsError(f"{path} is not JSON ({error}). Restore it, or delete the run folder and start again.") from None


def read_history(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The history of a run: an entry for each finished epoch, none if there is no history yet.

    Raises:
      KwsError: the file is no list of entries with a validation accuracy.
    """
    file = Path(path) / HISTORY
    history = _read(file)
    if history is None:
        return []
    entries = history if isinstance(history, list) else [None]
    if not all(isinstance(entry, dict) and _is_share(entry.get("val_accuracy")) for entry in entries):
        raise KwsError(f"{file} is no list of epochs with their val_accuracy. Restore it or train again.")
    return history


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1


def best_epoch(path: str | os.PathLike) -> dict[str, Any]:
    """The history's entry of the epoch whose weights a run holds as its best.

    Raises:
      KwsError: there is no finished epoch, or the history is damaged.
    """
    history = read_history(path)
    if not history:
        raise KwsError(f"{Path(path) / HISTORY} lists no finished epoch. Restore it or train again.")
    return max(history, key=lambda entry: entry["val_accuracy"])


def digest(weights: list[np.ndarray]) -> str:
    """SHA-256 of a model's weights, in hexadecimal."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(value).data for value in weights)).hexdigest()


def load_weights(model: keras.Model, path: Path) -> dict[str, np.ndarray]:
    """Loads a run's weights into a model of the same shape.

    Returns:
      All arrays of the file: ``weight_<n>`` and ``optimizer_<n>``.

    Raises:
      KwsError: the file is missing, damaged or of another model.
    """
    try:
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files}
        model.set_weights([arrays[f"weight_{index}"] for index in range(len(model.weights))])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise KwsError(f"{path} is missing, damaged or of another model ({error}). Train again.") from None
    return arrays


def load_run(path: str | os.PathLike) -> tuple[dict[str, Any], keras.Model]:
    """Rebuilds a run's best model.

    Returns:
      Its settings, in which ``"architecture"`` names its model and ``"frames_per_step"`` the frames of a streaming
      step, and the Keras model with the best weights.

    Raises:
      KwsError: the folder holds no trained run, or one of a model that is not known.
    """
    path = Path(path)
    if not (path / SETTINGS).is_file() and (path / MANIFEST_FILE).is_file():
        raise KwsError(f"{path} is a bundle, not a run: it has no {SETTINGS}. Give the run folder of kws-train fit.")
    if not (path / SETTINGS).is_file() or not (path / BEST).is_file():
        raise KwsError(f"{path} holds no finished epoch ({SETTINGS}, {BEST}). Train with kws-train fit --out {path}.")
    try:
        settings = json.loads((path / SETTINGS).read_text())
        settings = {"architecture": DEFAULT, **settings}  # runs before there was a choice do not name it
        settings["frames_per_step"] = settings["model"].get("frames_per_step", FRAMES_PER_STEP)
        kind = architecture(settings["architecture"])
        config = kind.config_from_dict(settings["model"])
        precision = Precision(**settings["precision"]) if "precision" in settings else None
        steps = settings["frontend"]["feature_steps_per_std"] if precision else 1.0
    except (ValueError, KeyError, TypeError) as error:
        raise KwsError(f"{path / SETTINGS} is damaged ({error}). Restore it or train again.") from None
    model = quantized_matchbox.build(config, precision, 1.0 / steps) if precision else kind.build(config)
    load_weights(model, path / BEST)
    return settings, model


def load_float_run(path: str | os.PathLike) -> tuple[dict[str, Any], keras.Model]:
    """`load_run`, of a run in floating point.

    Raises:
      KwsError: as `load_run`, or the run is one of quantization-aware training.
    """
    settings, model = load_run(path)
    if "precision" in settings:
        raise KwsError(
            f"{path} was trained as {settings['precision']['name']}: it has no float model. Give the run that it "
            "started from."
        )
    return settings, model
