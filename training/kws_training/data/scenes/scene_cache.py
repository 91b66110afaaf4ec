"""Rendered scenes on disk, beside the epochs of clips that they were trained with."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np
from kws_reference.frontend import definition

from kws_training.data import augment, word_spans
from kws_training.data.epoch_cache import created, load_arrays, store_arrays
from kws_training.data.scenes import compose, material, moments, render
from kws_training.data.scenes.hard_moments import read_hard_moments
from kws_training.data.scenes.scene_epochs import SceneEpochs
from kws_training.data.signal import dither, levels, microphones, mixing, responses, rooms, shoebox, textures

_SIGNAL = (dither, levels, microphones, mixing, responses, rooms, shoebox, textures)
_CODE = (augment, word_spans, definition, compose, material, moments, render, *_SIGNAL)
_NAMES = ("features", "targets")


class SceneCache:
    """A folder with one file for each epoch's scenes, 360 MB for 22,000 of 2 s.

    A file's name holds a digest of all that they are made from, hard moments and the code that renders among it.
    """

    def __init__(self, folder: str | os.PathLike, scenes: SceneEpochs):
        """Reads speech and clips once, for the digest.

        Raises:
          KwsError: the folder cannot be created.
        """
        self._folder, self._scenes = created(folder), scenes
        found = scenes.material
        values = [np.__version__, scenes.seed, scenes.count, dataclasses.asdict(scenes.config)]
        values += [scenes.frontend.to_dict(), found.label_names, found.speech.sha256()]
        self._digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
        for array in (found.labels, found.pcm, *(array for kind in found.noise for array in kind)):
            self._digest.update(np.ascontiguousarray(array).data)
        for module in _CODE:
            self._digest.update(Path(str(module.__file__)).read_bytes())

    def path(self, epoch: int) -> Path:
        """Where an epoch's scenes lie, or would lie."""
        digest, found = self._digest.copy(), self._scenes.found(epoch)
        for array in read_hard_moments(found).arrays().values() if found else ():
            digest.update(np.ascontiguousarray(array).data)
        return self._folder / f"scenes{epoch:03}_{digest.hexdigest()[:24]}.npz"

    def __contains__(self, epoch: int) -> bool:
        return self.path(epoch).exists()

    def load(self, epoch: int) -> tuple[np.ndarray, ...] | None:
        """An epoch's features and targets; None if it is not there, or damaged."""
        return load_arrays(self.path(epoch), _NAMES)

    def store(self, epoch: int, features: np.ndarray, targets: np.ndarray) -> None:
        """Writes an epoch.

        Raises:
          KwsError: it cannot be written.
        """
        store_arrays(self.path(epoch), dict(zip(_NAMES, (features, targets), strict=True)))
