"""Rendered epochs on disk, so that several trainings with the same data and seed render them once."""

import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend import definition
from kws_reference.frontend.config import FrontendConfig

from kws_training.data import augment, epoch_plan, noise, surroundings
from kws_training.data.clips import ClipSet

_MODULES = (augment, epoch_plan, noise, surroundings, definition)
_CODE = [Path(str(module.__file__)) for module in _MODULES] + sorted(Path(__file__).parent.glob("signal/*.py"))


class EpochCache:
    """A folder with one file for each epoch: float16 features and labels, 130 MB for 17,000 clips.

    A file's name holds a digest of all that an epoch is made from: clips, noise, augmentation, front end, seed, and the
    code that renders. Whatever changes, the old files are not found any more. Delete the folder when it is not needed.
    """

    def __init__(
        self, folder: str | os.PathLike, clips: ClipSet, seed: int, config: Any, frontend: FrontendConfig | None
    ):
        """Reads the clips once, for the digest.

        Args:
          folder: is created.
          clips, seed, config, frontend: those of `EpochRenderer`.

        Raises:
          KwsError: the folder cannot be created.
        """
        self._folder = created(folder)
        values = [np.__version__, seed, dataclasses.asdict(config), frontend and frontend.to_dict()]
        values += [
            clips.words,
            clips.label_names,
            [[len(recording) for recording in kind] for kind in (clips.noise, clips.everyday_noise)],
        ]
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
        for array in (clips.labels, clips.synthetic, clips.pcm, *clips.noise, *clips.everyday_noise):
            digest.update(np.ascontiguousarray(array).data)
        for path in (*_CODE, Path(__file__).with_name("render.py")):
            digest.update(path.read_bytes())
        self._key = digest.hexdigest()[:24]

    def path(self, epoch: int) -> Path:
        """Where an epoch lies, or would lie."""
        return self._folder / f"epoch{epoch:03}_{self._key}.npz"

    def __contains__(self, epoch: int) -> bool:
        return self.path(epoch).exists()

    def load(self, epoch: int) -> tuple[np.ndarray, ...] | None:
        """An epoch's features and labels; None if it is not there, or damaged."""
        return load_arrays(self.path(epoch), ("features", "labels"))

    def store(self, epoch: int, features: np.ndarray, labels: np.ndarray) -> None:
        """Writes an epoch; other trainings see the whole file or none.

        Raises:
          KwsError: it cannot be written.
        """
        store_arrays(self.path(epoch), {"features": features, "labels": labels})


def created(folder: str | os.PathLike) -> Path:
    """The folder of a cache.

    Raises:
      KwsError: it cannot be created.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KwsError(f"cannot create {folder}: {error.strerror}. Choose another --cache.") from None
    return Path(folder)


def load_arrays(path: Path, names: Sequence[str]) -> tuple[np.ndarray, ...] | None:
    """The arrays of a file of a cache; None if it is not there, or damaged."""
    try:
        with np.load(path) as archive:  # the archive's checksums tell damage
            return tuple(archive[name] for name in names)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def store_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes a file of a cache; whoever reads it sees the whole file or none.

    Raises:
      KwsError: it cannot be written.
    """
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise KwsError(f"cannot write {path}: {error.strerror}. Free space, or run again without --cache.") from None
