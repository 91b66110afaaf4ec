"""AdamW as a recipe wants it: rates by step, and a moving average of the weights beside them."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from kws_training.train.recipe import Recipe


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Compiles a model with the optimizer of a recipe.

    Args:
      model: to train.
      recipe: how.
      steps_per_epoch: by which its epochs become steps.
    """
    if recipe.stage_steps:
        boundaries = np.cumsum(recipe.stage_steps)[:-1] - 1  # Keras keeps a rate up to and with its boundary
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries.tolist(), list(recipe.stage_rates))
    else:
        steps = steps_per_epoch * recipe.epochs
        warmup = min(recipe.warmup_steps, steps // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.learning_rate / 30,
            decay_steps=max(1, steps - warmup),
            warmup_target=recipe.learning_rate,
            warmup_steps=warmup,
        )
    optimizer = AveragingAdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        use_ema=bool(recipe.weight_averaging),
        ema_momentum=recipe.weight_averaging or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["range_gain"])  # of quantized layers
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


class AveragingAdamW(keras.optimizers.AdamW):
    """Keeps the moving average beside the weights; Keras's own puts it in their place whenever `fit` returns."""

    def finalize_variable_values(self, var_list):
        """Does nothing: a run calls `fit` once for each epoch."""


@contextlib.contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Puts the moving average of the weights, if there is one, in their place for a while."""
    averages = getattr(model.optimizer, "_model_variables_moving_average", None)
    if not averages:
        yield
        return
    pairs = list(zip(model.trainable_variables, averages, strict=True))
    kept = [variable.numpy() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, kept, strict=True):
            variable.assign(value)
