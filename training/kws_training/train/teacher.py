"""A trained model from whose soft labels another one learns."""

import dataclasses
import hashlib
import os
from pathlib import Path

import keras
import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.features import quantize_features
from kws_training.train.weights import digest


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A trained model, from whose soft labels another one learns.

    Attributes:
      model: for the same labels.
      frontend: its own: the statistics of its features may differ from those of the model that learns.
    """

    model: keras.Model
    frontend: FrontendConfig


class SoftLabels:
    """A teacher's probabilities ``[clips, labels]``; the cache, if there is one, keeps them beside the epochs."""

    def __init__(self, teacher: Teacher, cache: str | os.PathLike | None):
        """Args: teacher: computes them. cache: folder of rendered epochs (`EpochCache`), or None."""
        self._teacher, self._cache = teacher, cache
        self._teacher_digest = digest(teacher.model.get_weights())

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The soft labels of MFCCs ``[clips, frames, coefficients]``."""
        inputs = quantize_features(features, self._teacher.frontend)
        if self._cache is None:
            return self._predict(inputs)
        digest = hashlib.sha256(self._teacher_digest.encode())
        digest.update(np.ascontiguousarray(inputs).data)
        path = Path(self._cache) / f"answers_{digest.hexdigest()[:24]}.npy"
        try:
            return np.load(path)
        except (OSError, ValueError, EOFError):
            soft_labels = self._predict(inputs)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                np.save(file, soft_labels)
            os.replace(partial, path)
        except OSError:
            partial.unlink(missing_ok=True)  # the next training asks the teacher again
        return soft_labels

    def _predict(self, inputs: np.ndarray) -> np.ndarray:
        logits = self._teacher.model.predict(inputs, batch_size=256, verbose=0)
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits))
