"""A training run on disk: settings, checkpoint, history. A killed run continues from its last finished epoch."""

import contextlib
import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.bundle import is_bundle
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL, replace, replacing

from kws_training.models import DEFAULT, FRAMES_PER_STEP, architecture
from kws_training.quantize import matchbox as quantized_matchbox
from kws_training.quantize.precision import Precision

SETTINGS, HISTORY, CHECKPOINT, BEST = "settings.json", "history.json", "last.npz", "best.npz"
RECORDED_LATER = ("clips_sha256",)
"""Settings that runs of an older kit have not."""


class RunFolder:
    """Files of one run.

    An epoch is finished when ``last.npz`` is replaced: weights, optimizer, history and the best weights are in this one
    file, so that no kill and no full disk can tear them apart. ``history.json`` and ``best.npz`` are copies of two of
    its parts, for people and for a run that is passed on without ``last.npz``; they are written behind it, and again
    when the run is opened if they are not those of the last finished epoch.
    """

    def __init__(self, path: str | os.PathLike, settings: dict[str, Any]):
        """Opens or creates a run.

        Args:
          path: folder.
          settings: everything that defines the run, as JSON values.

        Raises:
          KwsError: the folder holds a run with other settings, or a damaged one, or cannot be written.
        """
        self.path = Path(path)
        settings = json.loads(json.dumps(settings))
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            _remove_unfinished(self.path)
            earlier = _read(self.path / SETTINGS)
            if earlier is not None:  # what runs of an older kit did not record is not held against them
                settings = {
                    key: value for key, value in settings.items() if key in earlier or key not in RECORDED_LATER
                }
            if earlier is not None and earlier != settings:
                raise KwsError(
                    f"{self.path} holds a run with other settings ({_changes(earlier, settings)}). Give the same again "
                    "to continue it, or choose another --out."
                )
            if earlier is None:
                self._write_json(SETTINGS, settings)
        except OSError as error:
            raise KwsError(
                f"cannot write to {self.path}: {error.strerror}. Free space or choose another --out."
            ) from None
        committed = _committed(self.path)
        self.history: list[dict[str, float]] = committed.history if committed else read_history(self.path)
        self._best = committed.best if committed else []
        if self.history and not committed:
            self._best = _numbered(_arrays(self.path / BEST), "weight")
        self._complete = committed is not None  # else the history lies beside the checkpoint, as it once did
        if committed and _read_or_none(self.path / HISTORY) != self.history:
            self._write_copies()

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

        Raises:
          KwsError: the disk is full or the folder cannot be written. The run is then that of the epoch before, or, if
            only a copy could not be written, that of this epoch.
        """
        best, history = self._best, json.loads(json.dumps([*self.history, entry]))
        if entry["val_accuracy"] > max((old["val_accuracy"] for old in self.history), default=-1.0):
            with validated(model):
                best = model.get_weights()
        with self._told(CHECKPOINT), replacing(self.path / CHECKPOINT) as file:
            # Not Keras's own format: its HDF5 library ends the process when the disk is full.
            np.savez(
                file,
                **{f"weight_{index}": value for index, value in enumerate(model.get_weights())},
                **{f"optimizer_{index}": value.numpy() for index, value in enumerate(model.optimizer.variables)},
                **{f"best_{index}": value for index, value in enumerate(best)},
                history=np.frombuffer(json.dumps(history).encode(), np.uint8),
            )
        self.history, self._best, self._complete = history, best, True
        self._write_copies()

    def restore(self, model: keras.Model, steps: int | None = None) -> None:
        """Loads the weights and the optimizer's variables of the last finished epoch into a compiled model.

        Args:
          model: compiled, of the run's settings.
          steps: that the finished epochs took; None: not known.

        Raises:
          KwsError: the checkpoint is missing, damaged, of another model or of another epoch than the history.
        """
        model.optimizer.build(model.trainable_variables)
        arrays = load_weights(model, self.path / CHECKPOINT)
        for index, variable in enumerate(model.optimizer.variables):
            variable.assign(arrays[f"optimizer_{index}"])
        taken = int(model.optimizer.iterations.numpy())
        if not self._complete and steps is not None and taken != steps:
            raise KwsError(
                f"{self.path / CHECKPOINT} holds the weights of {taken} steps, {HISTORY} lists epochs of {steps}: an "
                "earlier version of this kit was stopped between the two, and an epoch would be trained twice. Train "
                "anew with another --out."
            )

    def _write_copies(self) -> None:
        # The history last: when it is that of the checkpoint, so are the best weights.
        with self._told(BEST), replacing(self.path / BEST) as file:
            np.savez(file, **{f"weight_{index}": value for index, value in enumerate(self._best)})
        with self._told(HISTORY):
            self._write_json(HISTORY, self.history)

    def _write_json(self, name: str, value: Any) -> None:
        replace(self.path / name, (json.dumps(value, indent=1) + "\n").encode())

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turns a failure to write into a line that says what is kept."""
        try:
            yield
        except OSError as error:
            kept = f"the last epoch is kept, number {len(self.history)}" if self.history else "no epoch is finished yet"
            raise KwsError(
                f"cannot write {self.path / name}: {error.strerror}. Free space and run again: {kept}."
            ) from None


@dataclasses.dataclass(frozen=True)
class _Commit:
    """What ``last.npz`` says of the finished epochs."""

    history: list[dict[str, Any]]
    best: list[np.ndarray]


def _committed(path: Path) -> _Commit | None:
    """The finished epochs, if the checkpoint tells them; None for runs whose checkpoint is missing or from before.

    Raises:
      KwsError: the checkpoint is damaged.
    """
    file = path / CHECKPOINT
    if not file.exists():
        return None
    arrays = _arrays(file)
    if "history" not in arrays:
        return None
    try:
        history = json.loads(arrays["history"].tobytes())
        return _Commit(_checked_history(history, file), _numbered(arrays, "best"))
    except (ValueError, KeyError) as error:
        raise _unusable(file, error) from None


def _changes(earlier: Any, settings: dict[str, Any], where: str = "") -> str:
    """Every field that differs, with the value that was and the one that is, as one line."""
    if not isinstance(earlier, dict) or not isinstance(settings, dict):
        return f"{where or 'all'} was {_shown(earlier)}, is {_shown(settings)}"
    differing = [key for key in sorted({*earlier, *settings}) if earlier.get(key) != settings.get(key)]
    inner = [_changes(earlier.get(key), settings.get(key), f"{where}.{key}" if where else key) for key in differing]
    return "; ".join(inner)


def _shown(value: Any) -> str:
    text = "not given" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _remove_unfinished(path: Path) -> None:
    """Removes what a killed process left of files that it was writing."""
    for name in (SETTINGS, HISTORY, CHECKPOINT, BEST):
        for partial in (*path.glob(f".{name}.*{PARTIAL}"), path / f"{name}{PARTIAL}"):
            partial.unlink(missing_ok=True)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text()) if path.exists() else None
    except ValueError as error:
        raise KwsError(f"{path} is not JSON ({error}). Restore it, or delete the run folder and start again.") from None


def _read_or_none(path: Path) -> Any:
    try:
        return _read(path)
    except KwsError:
        return None


def read_history(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The history of a run: an entry for each finished epoch, none if there is no history yet.

    Raises:
      KwsError: the file is no list of entries with a validation accuracy.
    """
    committed = _committed(Path(path))
    if committed:
        return committed.history
    file = Path(path) / HISTORY
    history = _read(file)
    return [] if history is None else _checked_history(history, file)


def _checked_history(history: Any, file: Path) -> list[dict[str, Any]]:
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
      All arrays of the file: ``weight_<n>`` and, of ``last.npz``, ``optimizer_<n>`` and more.

    Raises:
      KwsError: the file is missing, damaged or of another model.
    """
    try:
        arrays = _arrays(path)
        model.set_weights([arrays[f"weight_{index}"] for index in range(len(model.weights))])
    except (ValueError, KeyError) as error:
        raise _unusable(path, error) from None
    return arrays


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _unusable(path, error) from None


def _numbered(arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """The arrays ``<name>_0``, ``<name>_1``, ..."""
    return [arrays[f"{name}_{index}"] for index in range(sum(key.startswith(f"{name}_") for key in arrays))]


def _unusable(path: Path, error: Exception) -> KwsError:
    return KwsError(f"{path} is missing, damaged or of another model ({error}). Train again.")


def load_run(path: str | os.PathLike) -> tuple[dict[str, Any], keras.Model]:
    """Rebuilds a run's best model.

    Returns:
      Its settings, in which ``"architecture"`` names its model and ``"frames_per_step"`` the frames of a streaming
      step, and the Keras model with the best weights.

    Raises:
      KwsError: the folder holds no trained run, or one of a model that is not known.
    """
    path = Path(path)
    if not (path / SETTINGS).is_file() and is_bundle(path):
        raise KwsError(f"{path} is a bundle, not a run: it has no {SETTINGS}. Give the run folder of kws-train fit.")
    committed = _committed(path)
    if not (path / SETTINGS).is_file() or not (committed or (path / BEST).is_file()):
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
    if committed:
        try:
            model.set_weights(committed.best)
        except ValueError as error:
            raise _unusable(path / CHECKPOINT, error) from None
    else:
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
