"""Quantized Matchboxes with random weights, their bundles, and features to compare the two."""

from pathlib import Path

import keras
import numpy as np
from kws_reference.bundle import Bundle, write_bundle
from kws_training.convert.integer import convert_quantized
from kws_training.models import matchbox
from kws_training.models.matchbox import MatchboxConfig
from kws_training.quantize.graph import to_quantized
from kws_training.quantize.model import calibrate
from kws_training.quantize.precision import precision
from kws_training.streaming import to_streaming

from tests.support.int4_matchbox import SCALE, TINY, bundle_manifest

RELEASED = MatchboxConfig()
CONFIGS = {"tiny": TINY, "released": RELEASED}


def clips(config: MatchboxConfig, count: int, seed: int = 0) -> np.ndarray:
    """int8 features ``[count, frames, coefficients]``: noise, of some clips so loud that it saturates."""
    rng = np.random.default_rng(seed)
    shape = count, config.pool_frames, config.coefficients
    noise = rng.normal(size=shape) * 32 * rng.choice([0.5, 1, 1, 1, 8], (count, 1, 1))
    return np.clip(np.rint(noise), -128, 127).astype(np.int8)


def trained(config: MatchboxConfig, seed: int = 0) -> keras.Model:
    """A float Matchbox whose weights and moving statistics are random, as if it had been trained."""
    keras.utils.set_random_seed(seed)
    rng, model = np.random.default_rng(seed), matchbox.build(config)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, size))
            layer.beta.assign(rng.normal(size=size) * 0.3)
            layer.moving_mean.assign(rng.normal(size=size) * 0.1)
            layer.moving_variance.assign(rng.uniform(0.3, 1.0, size))
    return model


def start(config: MatchboxConfig, name: str, seed: int = 0) -> keras.Model:
    """A quantized model of a precision from the command line, with the weights of `trained`."""
    float_model, steps = trained(config, seed), config.frames_per_step
    model = to_quantized(float_model, precision(name), SCALE, steps, config.pool_frames)
    calibrate(model, clips(config, 10, seed + 1).astype(np.float32) * np.float32(SCALE))
    return model


def write(folder: Path, config: MatchboxConfig, model: keras.Model) -> Bundle:
    """Exports a quantized model as a bundle."""
    converted = convert_quantized(model, to_streaming(model, config.frames_per_step), SCALE)
    return write_bundle(folder, converted.data, bundle_manifest(config, converted))


def int8_scores(model: keras.Model, bundle: Bundle, features: np.ndarray) -> np.ndarray:
    """What the training graph gives for whole clips, as the device's integers ``[clips, labels]``."""
    logits = model.predict(features.astype(np.float32) * np.float32(SCALE), verbose=0)
    return np.rint(logits / np.float32(bundle.scores.scale)).astype(int) + bundle.scores.zero_point
