"""LSTM layers as TensorFlow's converter writes them, adopted, from their file to the generated engine."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen.adopt import manifest  # noqa: E402
from kws_codegen.adopt.adoption import adopt  # noqa: E402
from kws_codegen.adopt.proof import prove  # noqa: E402
from kws_reference.bundle import write_bundle  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402

from tests.support import converted_lstm, engines  # noqa: E402


def test_engine_of_converted_lstm_equals_interpreter(tmp_path):
    model = converted_lstm.convert(str(tmp_path / "saved"))
    adopted = adopt(model, converted_lstm.FEATURES)
    assert [(state.input.shape, state.dtype) for state in adopted.states] == [
        (shape, dtype) for shape in ((1, units) for units in converted_lstm.UNITS) for dtype in ("int8", "int16")
    ]
    assert len([note for note in adopted.notes if "goes on with its states" in note]) == 2
    assert prove(model, adopted).different > 100
    labels = tuple(f"label{number}" for number in range(converted_lstm.LABELS))
    frontend = FrontendConfig(
        coefficients=converted_lstm.FEATURES, feature_steps_per_std=1 / adopted.features.scale
    ).to_dict()
    whole = manifest.manifest(adopted, "converted", labels, frontend)
    whole["detector"] = manifest.detector(labels, 0.06)
    bundle = write_bundle(tmp_path / "bundle", adopted.model, whole)
    engine = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, engine, engines.random_features(bundle, 150), reset_every=40)
