"""Models of all kinds, written in Keras and quantized after training, in the generated engine."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from tests.support import engines, own_models  # noqa: E402


@pytest.mark.parametrize("name", own_models.BUILDERS)
def test_engine_of_a_model_written_in_keras_equals_interpreter(name, tmp_path):
    bundle = own_models.write(name, tmp_path / "bundle")
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 160))
