"""Weights of a model as arrays: in files, from another model, and their digest."""

import hashlib
import re
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path

import keras
import numpy as np
from kws_reference.errors import KwsError

CLASSIFIER = "logits"  # the layer that knows the labels, of every model of the kit


def take_weights(model: keras.Model, other: keras.Model, but: Sequence[str] = ()) -> None:
    """Copies the weights of every layer that has the same name and shapes in another model, but for those named."""
    layers = {layer.name: layer for layer in other.layers if layer.name not in but}
    for layer in model.layers:
        if layer.name in layers:
            weights = layers[layer.name].get_weights()
            if [value.shape for value in weights] == [value.shape for value in layer.get_weights()]:
                layer.set_weights(weights)


def take_weights_in_order(model: keras.Model, other: keras.Model, but: Collection[int] = ()) -> None:
    """Copies every weight that has the same place and shape in another model, but for the places that are given.

    Layers of somebody's own file need not have names that stay.
    """
    for place, (mine, theirs) in enumerate(zip(model.weights, other.weights, strict=True)):
        if place not in but and mine.shape == theirs.shape:
            mine.assign(theirs)


def first_blocks(model: keras.Model, count: int) -> list[keras.layers.Layer]:
    """The layers of a model's first blocks.

    Args:
      model: its blocks' layers are called ``block<n>`` or ``block<n>_<what>``, n from 1.
      count: how many blocks; 0: none.

    Raises:
      KwsError: the model has fewer blocks, or none that are called so.
    """
    numbers = [(int(found[1]), layer) for layer in model.layers if (found := re.match(r"block(\d+)(_|$)", layer.name))]
    most = max((number for number, _ in numbers), default=0)
    if count > most:
        raise KwsError(f"a {model.name} has {most} blocks that can be frozen. Received: {count}.")
    return [layer for number, layer in numbers if number <= count]


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
        arrays = read_arrays(path)
        model.set_weights([arrays[f"weight_{index}"] for index in range(len(model.weights))])
    except (ValueError, KeyError) as error:
        raise unusable(path, error) from None
    return arrays


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz``.

    Raises:
      KwsError: it is missing or damaged.
    """
    try:
        with np.load(path) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unusable(path, error) from None


def numbered(arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """The arrays ``<name>_0``, ``<name>_1``, ..."""
    return [arrays[f"{name}_{index}"] for index in range(sum(key.startswith(f"{name}_") for key in arrays))]


def unusable(path: Path, error: Exception) -> KwsError:
    """The refusal of a file of weights."""
    return KwsError(f"{path} is missing, damaged or of another model ({error}). Train again.")
