"""Quantization-aware training to the generated engine: the training graph's integers, on the host."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen.generator import build  # noqa: E402
from kws_codegen.kernels.depthwise import Depthwise, DepthwiseInt4  # noqa: E402
from kws_codegen.kernels.linear import LinearCall  # noqa: E402
from kws_codegen.kernels.pointwise import Pointwise, PointwiseInt4  # noqa: E402

from tests.support import engines, quantizable_models, quantized  # noqa: E402
from tests.support.int4_matchbox import TINY  # noqa: E402

KERNELS = {
    "int8_native": {Pointwise, Depthwise},
    "int4_native": {PointwiseInt4, DepthwiseInt4, Pointwise},  # the classifier keeps 8 bits
    "int4_dw8_native": {PointwiseInt4, Depthwise, Pointwise},
}


@pytest.mark.parametrize("name", KERNELS)
def test_engine_of_native_quantized_matchbox_equals_training_graph(name, tmp_path):
    model = quantized.start(TINY, name)
    bundle = quantized.write(tmp_path / "bundle", TINY, model)
    _, program, _ = build(bundle)
    assert {type(call) for call in program.calls if isinstance(call, LinearCall)} == KERNELS[name]
    engine = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, engine, engines.random_features(bundle, 60))
    clips = quantized.clips(TINY, 4, seed=7)
    steps = TINY.pool_frames // 2
    got, _ = engines.run(engine, bundle, clips.reshape(-1, 2, TINY.coefficients), reset_every=steps)
    assert np.array_equal(got[steps - 1 :: steps, : TINY.labels], quantized.int8_scores(model, bundle, clips))


@pytest.mark.parametrize(
    "name, precision", [("gated", "int4_native"), ("planar", "int8_native"), ("ds_cnn", "int4_fake")]
)
def test_engine_of_a_model_trained_for_integers_equals_interpreter(name, precision, tmp_path):
    model = quantizable_models.quantized(quantizable_models.floating(name), precision)
    bundle = quantizable_models.write(tmp_path / "bundle", model)
    engine = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, engine, engines.random_features(bundle, 120))
