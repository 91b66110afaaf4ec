"""The page's road from a model of one's own to the firmware's engine, on the host."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_reference.bundle import Bundle  # noqa: E402

from tests.support import engines, own_model_road  # noqa: E402


@pytest.mark.slow
def test_road_of_the_page_leads_from_a_file_to_an_engine_that_equals_the_interpreter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_model_road.walk(tmp_path)
    bundle = Bundle.load(tmp_path / own_model_road.BUNDLE)
    assert [state.name for state in bundle.states] == ["stem", "block1", "block2", "memory_h"]
    program = engines.compile_generated(tmp_path / own_model_road.GENERATED, "engine_own")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100))
