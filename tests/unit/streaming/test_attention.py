"""LocalSelfAttention: its formula, its window, and streaming against whole clips."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from kws_training.streaming import Context, LocalSelfAttention, StreamingLayer

# Differences of float32 sums of up to 40 terms in another order.
TOLERANCE = 1e-5
CHANNELS = 6


def clips(frames: int, seed: int = 0, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, frames, CHANNELS)).astype(np.float32)


def layer_with_weights(units: int = 8, window: int = 5, heads: int = 2, seed: int = 1) -> LocalSelfAttention:
    layer = LocalSelfAttention(units, window, heads=heads)
    layer.build((None, None, CHANNELS))
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(0, 0.7, value.shape).astype(np.float32) for value in layer.get_weights()])
    return layer


def by_definition(layer: LocalSelfAttention, x: np.ndarray) -> np.ndarray:
    """The docstring's sums, one query at a time, in float64."""
    query, query_bias, key, value, position = (array.astype(np.float64) for array in layer.get_weights())
    d = layer.units // layer.heads
    padded = np.concatenate([np.zeros((len(x), layer.window - 1, CHANNELS)), x.astype(np.float64)], 1)
    output = np.zeros((*x.shape[:2], layer.units))
    for head in range(layer.heads):
        part = slice(head * d, (head + 1) * d)
        for t in range(x.shape[1]):
            rows = padded[:, t : t + layer.window]
            q = x[:, t].astype(np.float64) @ query[:, part] + query_bias[part]
            score = np.einsum("bd,bsd->bs", q, rows @ key[:, part]) / np.sqrt(d) + position[head]
            share = np.exp(score - score.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            output[:, t, part] = np.einsum("bs,bsd->bd", share, rows @ value[:, part])
    return output


def streamed(layer: LocalSelfAttention, x: np.ndarray, frames: int, delay: int = 0) -> np.ndarray:
    """Outputs of whole clips, aligned; with a delay the input lags, behind noise that `Context.valid` marks."""
    batch, length = x.shape[:2]
    steps = -(-(length + delay) // frames)
    noise = clips(steps * frames, seed=9, batch=batch)
    noise[:, delay : delay + length] = x
    valid = np.zeros(noise.shape[:2], bool)
    valid[:, delay : delay + length] = True
    states = layer.initial_states(x.shape, frames, batch)
    outputs = []
    for start in range(0, steps * frames, frames):
        part = slice(start, start + frames)
        context = Context(delay, tf.constant(valid[:, part])) if delay else Context()
        output, states = layer.stream_inference(tf.constant(noise[:, part]), states, context)
        outputs.append(output.numpy())
    return np.concatenate(outputs, 1)[:, delay : delay + length]


@pytest.mark.parametrize("heads", (1, 2))
@pytest.mark.parametrize("window", (1, 5, 40))
def test_attention_on_a_clip_equals_its_definition(window, heads):
    layer, x = layer_with_weights(window=window, heads=heads), clips(20)
    assert np.abs(layer(x).numpy() - by_definition(layer, x)).max() <= TOLERANCE


@pytest.mark.parametrize("frames", (1, 2, 5))
@pytest.mark.parametrize("heads", (1, 4))
@pytest.mark.parametrize("window", (1, 2, 7, 40))
def test_attention_streamed_equals_the_whole_clip(window, heads, frames):
    layer, x = layer_with_weights(window=window, heads=heads), clips(20)
    assert np.abs(streamed(layer, x, frames) - layer(x).numpy()).max() <= TOLERANCE


@pytest.mark.parametrize("frames, delay", [(1, 1), (2, 3), (5, 4)])
def test_attention_behind_a_delay_ignores_what_is_outside_the_clip(frames, delay):
    layer, x = layer_with_weights(), clips(20)
    assert np.abs(streamed(layer, x, frames, delay) - layer(x).numpy()).max() <= TOLERANCE


def test_attention_output_does_not_depend_on_frames_outside_its_window():
    layer, x = layer_with_weights(window=5), clips(20)
    changed = x.copy()
    changed[:, :6] += 1.0  # the windows of frames 10 and later begin with frame 6
    changed[:, 11:] -= 1.0
    before, after = layer(x).numpy(), layer(changed).numpy()
    assert np.array_equal(before[:, 10], after[:, 10])
    assert not np.allclose(before[:, 9], after[:, 9])
    assert not np.allclose(before[:, 11], after[:, 11])


def test_attention_explained_gives_the_output_and_rows_that_sum_to_one():
    layer, x = layer_with_weights(window=5), clips(20)
    seen = {name: np.asarray(value) for name, value in layer.explain(x).items()}
    assert {name: value.shape for name, value in seen.items()} == {
        "queries": (2, 2, 20, 4),
        "keys": (2, 2, 20, 4),
        "values": (2, 2, 20, 4),
        "softmax": (2, 2, 20, 24),
    }
    assert np.abs(seen["softmax"].sum(-1) - 1).max() <= TOLERANCE
    outside = np.abs(np.arange(24) - np.arange(20)[:, None] - 2) > 2
    assert not seen["softmax"][..., outside].any()
    output = seen["softmax"][..., 4:] @ seen["values"]  # the columns before are the values zero
    joined = output.transpose(0, 2, 1, 3).reshape(2, 20, 8)
    assert np.abs(joined - layer(x).numpy()).max() <= TOLERANCE


def test_attention_trains_every_weight():
    layer, x = layer_with_weights(), clips(20)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    gradients = tape.gradient(loss, layer.trainable_weights)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_attention_in_a_saved_model_comes_back_the_same(tmp_path):
    inputs = keras.Input((None, CHANNELS))
    model = keras.Model(inputs, LocalSelfAttention(8, 5, heads=2, name="attention")(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_layer("attention").get_config() == model.get_layer("attention").get_config()
    assert np.array_equal(model(clips(12)).numpy(), again(clips(12)).numpy())


def test_attention_describes_its_states_and_its_work():
    layer = layer_with_weights(units=8, window=5)
    assert isinstance(layer, StreamingLayer) and layer.context_frames == 4
    shape = (None, None, CHANNELS)
    assert {name: spec.shape for name, spec in layer.state_specs(shape, 2).items()} == {"key": (4, 8), "value": (4, 8)}
    assert layer.macs(shape, 2) == 2 * (3 * CHANNELS * 8 + 2 * 5 * 8)
