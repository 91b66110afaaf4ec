"""Matchbox: streaming equals batch, and the exported bundle is what the kit needs."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
from kws_reference.bundle import write_bundle  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_reference.network.oracle import Network  # noqa: E402
from kws_training.convert.integer import convert  # noqa: E402
from kws_training.convert.manifest import manifest  # noqa: E402
from kws_training.models.matchbox import Block, MatchboxConfig, build  # noqa: E402
from kws_training.streaming import to_streaming  # noqa: E402


def random_model(config: MatchboxConfig, seed: int) -> keras.Model:
    """A model whose batch normalisation is far from neutral, as after training."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(config)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.set_weights(
                [
                    rng.uniform(0.5, 1.5, count),
                    rng.normal(0, 0.3, count),
                    rng.normal(0, 0.3, count),
                    rng.uniform(0.1, 2, count),
                ]
            )
    dense = model.get_layer("logits")
    dense.set_weights([4 * dense.get_weights()[0], rng.normal(0, 0.5, config.labels)])
    return model


def test_build_default_has_the_published_size():
    model = build(MatchboxConfig())
    assert model.count_params() == 73_220
    sizes = {name: np.prod(spec.shape) for name, spec in to_streaming(model, 2).state_specs.items()}
    assert sizes == {"block1": 400, "block2": 1536, "block3": 896, "block4": 1024, "block5": 3584, "pool": 48 * 128}


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("frames_per_step", [2, 7, 14, 98])
def test_streaming_over_clips_equals_batch(frames_per_step, causal):
    config = MatchboxConfig(frames_per_step=frames_per_step, causal=causal)
    model = random_model(config, frames_per_step)
    features = np.random.default_rng(1).normal(size=(3, 98, 40)).astype(np.float32)
    batch = model(features).numpy()
    streaming = to_streaming(model, frames_per_step)
    # float32 sums in another order, and batch norm folded into the weights
    np.testing.assert_allclose(streaming.stream(features), batch, atol=1e-5 * np.abs(batch).max())
    lookahead = 0 if causal else 5 + 6 + 7 + 8 + 28
    # The clip's row comes with a whole step.
    assert streaming.delay_frames == -(-lookahead // frames_per_step) * frames_per_step


def test_streaming_with_other_blocks_equals_batch():
    config = MatchboxConfig(
        labels=4,
        coefficients=10,
        blocks=(Block(8, 3), Block(12, 5, 3, True), Block(8, 1, residual=True)),
        pool_frames=30,
        frames_per_step=3,
    )
    model = random_model(config, 5)
    features = np.random.default_rng(5).normal(size=(2, 30, 10)).astype(np.float32)
    batch = model(features).numpy()
    # as above
    np.testing.assert_allclose(to_streaming(model, 3).stream(features), batch, atol=1e-5 * np.abs(batch).max())


def test_build_looks_only_backwards():
    config = MatchboxConfig()
    model = random_model(config, 3)
    before_pool = keras.Model(model.input, model.get_layer("pool").input)
    features = np.random.default_rng(3).normal(size=(1, 98, 40)).astype(np.float32)
    changed = features.copy()
    changed[:, 60:] += 1
    first, second = before_pool(features).numpy(), before_pool(changed).numpy()
    assert np.array_equal(first[:, :60], second[:, :60]) and not np.array_equal(first[:, 60], second[:, 60])


def test_config_through_json_is_unchanged():
    assert MatchboxConfig.from_dict(MatchboxConfig().to_dict()) == MatchboxConfig()


@pytest.fixture(scope="module")
def converted():
    config = MatchboxConfig()
    step = to_streaming(random_model(config, 4), config.frames_per_step)
    recordings = np.clip(np.rint(np.random.default_rng(4).normal(size=(3, 98, 40)) * 32), -128, 127).astype(np.int8)
    return step, recordings, convert(step, recordings, 1 / 32)


def test_convert_gives_states_that_feed_back_and_the_given_feature_scale(converted):
    step, _, model = converted
    assert (model.features.scale, model.features.zero_point) == (1 / 32, 0)
    assert {state.name: state.shape[1:] for state in model.states} == {n: s.shape for n, s in step.state_specs.items()}
    assert all(state.reset_value == state.zero_point for state in model.states)


def test_convert_streams_close_to_float(converted, tmp_path):
    step, recordings, model = converted
    labels = [f"label{index}" for index in range(12)]
    content = manifest("random", labels, FrontendConfig(), 2, model, accuracy={}, provenance={}, tools={})
    bundle = write_bundle(tmp_path / "bundle", model.data, content)
    network = Network(bundle)
    for start in range(0, 98, 2):
        scores = network.step(recordings[0, start : start + 2])
    quantized = (scores.astype(np.float32) - bundle.scores.zero_point) * bundle.scores.scale
    exact = step.stream(recordings[:1].astype(np.float32) / 32)[0]
    # int8 against float: no integer promise, but a wrong state or order would be off by the whole range
    assert np.abs(quantized - exact).max() < 0.15 * np.ptp(exact)
