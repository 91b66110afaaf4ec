"""The folder of a training: settings, checkpoint, history. A killed run goes on from its last finished epoch."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL, replace, replacing

from kws_training.train.run_files import BEST, CHECKPOINT, HISTORY, SETTINGS, committed, read_history, read_json, score
from kws_training.train.weights import load_weights, numbered, read_arrays

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
            earlier = read_json(self.path / SETTINGS)
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
        finished = committed(self.path)
        self.history: list[dict[str, float]] = finished.history if finished else read_history(self.path)
        self._best = finished.best if finished else []
        if self.history and not finished:
            self._best = numbered(read_arrays(self.path / BEST), "weight")
        self._complete = finished is not None  # else the history lies beside the checkpoint, as it once did
        if finished and _read_or_none(self.path / HISTORY) != self.history:
            self._write_copies()

    def finish_epoch(
        self,
        model: keras.Model,
        entry: dict[str, float],
        validated: Callable[[keras.Model], AbstractContextManager] = contextlib.nullcontext,
    ) -> None:
        """Saves weights, optimizer and history after an epoch; keeps the weights of the best epoch (`score`).

        Args:
          model: compiled.
          entry: of the history.
          validated: gives the model, for a while, the weights that `entry` is about.

        Raises:
          KwsError: the disk is full or the folder cannot be written. The run is then that of the epoch before, or, if
            only a copy could not be written, that of this epoch.
        """
        best, history = self._best, json.loads(json.dumps([*self.history, entry]))
        if score(entry) > max(map(score, self.history), default=-1.0):
            with validated(model):
                best = model.get_weights()
        with self._write_errors_named(CHECKPOINT), replacing(self.path / CHECKPOINT) as file:
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

    def write_arrays(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Writes an ``.npz`` beside the others.

        Raises:
          KwsError: the disk is full or the folder cannot be written.
        """
        with self._write_errors_named(name), replacing(self.path / name) as file:
            np.savez(file, **arrays)

    def write_file(self, name: str, content: bytes) -> None:
        """Writes a file beside the others.

        Raises:
          KwsError: the disk is full or the folder cannot be written.
        """
        with self._write_errors_named(name):
            replace(self.path / name, content)

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
        with self._write_errors_named(BEST), replacing(self.path / BEST) as file:
            np.savez(file, **{f"weight_{index}": value for index, value in enumerate(self._best)})
        with self._write_errors_named(HISTORY):
            self._write_json(HISTORY, self.history)

    def _write_json(self, name: str, value: Any) -> None:
        replace(self.path / name, (json.dumps(value, indent=1) + "\n").encode())

    @contextlib.contextmanager
    def _write_errors_named(self, name: str) -> Iterator[None]:
        """Turns a failure to write into a line that says what is kept."""
        try:
            yield
        except OSError as error:
            kept = f"the last epoch is kept, number {len(self.history)}" if self.history else "no epoch is finished yet"
            raise KwsError(
                f"cannot write {self.path / name}: {error.strerror}. Free space and run again: {kept}."
            ) from None


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


def _read_or_none(path: Path) -> Any:
    try:
        return read_json(path)
    except KwsError:
        return None
