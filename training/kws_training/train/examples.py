"""What a model is shown in an epoch: inputs on the int8 grid; targets, maybe smoothed, mixed or with soft labels."""

from collections.abc import Callable

import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.features import quantize_features
from kws_training.train.recipe import Recipe


def training_examples(
    rng: np.random.Generator,
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    frontend: FrontendConfig,
    recipe: Recipe,
    soft_labels: Callable[[np.ndarray], np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Prepares an epoch.

    Args:
      rng: draws what is mixed, and the order of clips that were heard before.
      features: MFCCs ``[clips, frames, coefficients]``.
      labels: class indices ``[clips]``.
      classes: number of labels.
      frontend: with statistics.
      recipe: smoothing, mixup, distillation.
      soft_labels: a teacher's probabilities ``[clips, classes]`` for features; None: no teacher.

    Returns:
      Inputs on the int8 grid, and targets ``[clips, classes]``.
    """
    targets = np.eye(classes, dtype=np.float32)[labels]
    targets = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    if recipe.mixup:
        share = rng.beta(recipe.mixup, recipe.mixup, len(labels)).astype(np.float32)[:, None]
        partner = rng.permutation(len(labels))
        features = features * share[..., None] + features[partner] * (1 - share[..., None])
        targets = targets * share + targets[partner] * (1 - share)
    inputs = quantize_features(features, frontend)
    if soft_labels:
        targets = targets * (1 - recipe.distillation) + soft_labels(features) * recipe.distillation
    if recipe.distinct_epochs:
        order = rng.permutation(len(labels))
        inputs, targets = inputs[order], targets[order]
    return inputs, targets
