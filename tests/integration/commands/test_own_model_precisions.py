"""The page's road from a model of one's own to integers that were trained, at every kind of precision."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_reference.bundle import Bundle  # noqa: E402
from kws_reference.tflite.reader import read  # noqa: E402
from kws_training.measure import native_exactness  # noqa: E402

from tests.support import engines, own_model_road  # noqa: E402

PAGE = own_model_road.FOR_INTEGERS


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """A folder with the page's file and its float run."""
    folder = tmp_path_factory.mktemp("road")
    own_model_road.write(folder, PAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        own_model_road.run(*own_model_road.commands("kws-train", title=PAGE)[0])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["int8_native", "int8_fake", "int4_native", "int4_fake"])
def test_road_of_the_page_leads_to_trained_integers_that_the_engine_has(road, precision, monkeypatch, capsys):
    monkeypatch.chdir(road)
    for words in own_model_road.commands("kws-train", "kws-codegen", title=PAGE)[1:]:
        own_model_road.run(*(word.replace("int8_native", precision).replace("cnn_int8", precision) for word in words))
    bundle = Bundle.load(road / "bundles" / precision)
    assert [state.name for state in bundle.states] == ["stem", "block1", "block2", "pool"]
    assert bundle.manifest["provenance"]["precision"]["name"] == precision
    types = {tensor.name: tensor.dtype for tensor in read(bundle.model).tensors if tensor.name.endswith("/kernel")}
    assert types.pop("logits/kernel") == "INT8"
    assert set(types.values()) == {"INT4" if "int4" in precision else "INT8"}
    if precision == "int4_native":
        program = engines.compile_generated(road / "build" / precision, "engine_cnn")
        engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100))
    if "native" in precision:
        folders = f"--run runs/{precision} --bundle bundles/{precision} --data data/speech_commands_v0.02".split()
        assert native_exactness.main([*folders, "--clips", "6"]) == 0
