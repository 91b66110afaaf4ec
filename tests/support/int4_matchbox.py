"""A streaming Matchbox with 4-bit weights as TensorFlow's converter makes it: fake quantization, random weights."""

import json
import types
from pathlib import Path

import numpy as np
import tensorflow as tf
from kws_reference.bundle import Bundle, write_bundle
from kws_training.convert.converted_model import ConvertedModel
from kws_training.convert.tensors import describe
from kws_training.models.matchbox import Block, MatchboxConfig

from tests.support.paths import ROOT

SCALE = 1 / 32
TINY = MatchboxConfig(
    labels=5,
    coefficients=10,
    blocks=(Block(16, 5), Block(12, 4, residual=True), Block(12, 5, dilation=2), Block(16, 1)),
    pool_frames=20,
)
"""Every kind of block, converted in seconds."""


class Int4Matchbox:
    """One step of a Matchbox with fake-quantized weights and activations.

    A state, its concatenation with the new rows and its output share a range. The first calls, in float, find the
    ranges; see `calibrate`.

    Attributes:
      config: shape of the network; two frames a step.
      states: name -> shape of the state's tensor.
      depthwise_bits: of the depthwise kernels; all other weights have 4 bits.
    """

    def __init__(self, config: MatchboxConfig, depthwise_bits: int = 8, seed: int = 0):
        self.config, self.depthwise_bits = config, depthwise_bits
        self._rng = np.random.default_rng(seed)
        self._ranges: dict[str, list[float]] = {"features": [-128 * SCALE, 127 * SCALE]}
        self._weights: dict[str, np.ndarray] = {}
        self._calibrating = True
        self.states: dict[str, tuple[int, ...]] = {}
        channels = config.coefficients
        for index, block in enumerate(config.blocks, 1):
            if block.kernel > 1:
                self.states[f"block{index}"] = (1, (block.kernel - 1) * block.dilation, 1, channels)
            channels = block.filters
        self.states["pool"] = (1, config.pool_frames // 2 - 1, 1, channels)

    def calibrate(self, steps: int) -> None:
        """Streams noise in float and keeps the ranges of all activations."""
        states = [np.zeros(shape, np.float32) for shape in self.states.values()]
        for _ in range(steps):
            noise = np.clip(self._rng.normal(size=(1, 2, 1, self.config.coefficients)), -4, 127 * SCALE)
            _, *states = self.step(tf.constant(noise, tf.float32), *states)
        self._calibrating = False

    def step(self, x: tf.Tensor, *states: tf.Tensor) -> list[tf.Tensor]:
        """Features ``[1, 2, 1, coefficients]`` and the states -> scores and the new states."""
        values, new = dict(zip(self.states, states, strict=True)), []
        x, about = self._activation("features", x), "features"
        for index, block in enumerate(self.config.blocks, 1):
            name, shortcut = f"block{index}", x
            if name in values:
                x, kept = self._append(about, values[name], x)
                new.append(kept)
                x = self._activation(f"{name}/depthwise", self._depthwise(name, x, block))
            x = self._pointwise(f"{name}/pointwise", x, block.filters)
            if block.residual:
                shortcut = self._pointwise(f"{name}/residual", shortcut, block.filters)
                x = self._activation(f"{name}/pointwise", x) + self._activation(f"{name}/residual", shortcut)
            about = f"{name}/relu"
            x = self._activation(about, tf.nn.relu(x))
        x = self._activation(about, tf.nn.avg_pool2d(x, (2, 1), 1, "VALID"))
        x, kept = self._append(about, values["pool"], x)
        x = self._activation(about, tf.nn.avg_pool2d(x, (x.shape[1], 1), 1, "VALID"))
        x = tf.reshape(x, (1, x.shape[3]))
        kernel = self._weight("dense", (x.shape[1], self.config.labels), per_channel=False)
        bias = self._float("dense/bias", (self.config.labels,)) * 0.05
        return [self._activation("scores", tf.nn.bias_add(tf.matmul(x, kernel), bias)), *new, kept]

    def _append(self, about: str, state: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        joined = self._activation(about, tf.concat([self._activation(about, state), x], 1))
        return joined, self._activation(about, joined[:, x.shape[1] :])

    def _depthwise(self, name: str, x: tf.Tensor, block: Block) -> tf.Tensor:
        channels, phases = x.shape[3], block.dilation
        kernel = self._weight(f"{name}/depthwise", (block.kernel, 1, channels), bits=self.depthwise_bits)
        x = tf.reshape(x, (1, x.shape[1] // phases, phases, channels)) if phases > 1 else x
        x = tf.nn.depthwise_conv2d(x, tf.reshape(kernel, (block.kernel, 1, channels, 1)), [1, 1, 1, 1], "VALID")
        return tf.reshape(x, (1, 2, 1, channels)) if phases > 1 else x

    def _pointwise(self, name: str, x: tf.Tensor, filters: int) -> tf.Tensor:
        kernel = self._weight(name, (1, 1, x.shape[3], filters))
        return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), self._float(f"{name}/bias", (filters,)) * 0.2)

    def _float(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name not in self._weights:
            self._weights[name] = self._rng.normal(size=shape).astype(np.float32)
        return self._weights[name]

    def _weight(self, name: str, shape: tuple[int, ...], *, bits: int = 4, per_channel: bool = True) -> tf.Tensor:
        values = self._float(name, shape) * np.float32(np.prod(shape[:-1]) ** -0.5)
        if self._calibrating:
            return tf.constant(values)
        if not per_channel:
            limit = float(np.abs(values).max())
            return tf.quantization.fake_quant_with_min_max_vars(values, -limit, limit, bits, narrow_range=True)
        limit = np.abs(values).max(axis=tuple(range(values.ndim - 1)))
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(values, -limit, limit, bits, narrow_range=True)

    def _activation(self, name: str, x: tf.Tensor) -> tf.Tensor:
        if not self._calibrating:
            return tf.quantization.fake_quant_with_min_max_vars(x, *self._ranges[name])
        found = self._ranges.setdefault(name, [0.0, 0.0])
        if name != "features":
            found[:] = min(found[0], float(np.min(x))), max(found[1], float(np.max(x)))
        return x


def write(folder: Path, config: MatchboxConfig = TINY, *, depthwise_bits: int = 8, seed: int = 0) -> Bundle:
    """Converts a Matchbox of random weights and writes it as a bundle."""
    model = Int4Matchbox(config, depthwise_bits, seed)
    model.calibrate(3 * config.pool_frames)
    signature = [tf.TensorSpec((1, 2, 1, config.coefficients), tf.float32, name="features")]
    signature += [tf.TensorSpec(shape, tf.float32, name=f"{name}_in") for name, shape in model.states.items()]
    function = tf.function(model.step).get_concrete_function(*signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data = converter.convert()
    ends = types.SimpleNamespace(state_specs=model.states, needs_valid=False)
    return write_bundle(folder, data, bundle_manifest(config, describe(data, ends, SCALE)))


def bundle_manifest(config: MatchboxConfig, model: ConvertedModel) -> dict:
    """The released manifest with this model's tensors and labels, and features of mean 0 and deviation 1."""
    manifest = json.loads((ROOT / "training/zoo/matchbox/model.json").read_text())
    labels = [f"label{index}" for index in range(config.labels)]
    size = config.coefficients
    manifest["frontend"] |= {"coefficients": size, "feature_mean": [0.0] * size, "feature_std": [1.0] * size}
    ends = {
        name: {"tensor_name": tensor.name, "shape": list(tensor.shape), "scale": tensor.scale}
        | {"zero_point": tensor.zero_point}
        for name, tensor in (("features", model.features), ("scores", model.scores))
    }
    ends["features"]["input_index"], ends["scores"]["output_index"] = model.features.index, model.scores.index
    ends["scores"]["kind"] = "logits"
    states = [
        {"name": state.name, "input_index": state.input_index, "output_index": state.output_index}
        | {"shape": list(state.shape), "scale": state.scale, "zero_point": state.zero_point}
        | {"reset_value": state.reset_value}
        for state in model.states
    ]
    detector = {"smoothing_steps": 10, "refractory_steps": 25, "threshold_q15": [20000] * config.labels}
    steps = {"frames_per_step": model.features.shape[1], "states": states, "detector": detector}
    return manifest | ends | steps | {"name": "int4", "labels": labels}
