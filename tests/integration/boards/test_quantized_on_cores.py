"""What the training graph of a native quantized model computes for whole clips, step by step on emulated boards."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen.commands.generate import write_files  # noqa: E402
from kws_codegen.generator import generate  # noqa: E402

from tests.integration.boards.test_engine_on_cores import compile_for, run_on  # noqa: E402
from tests.support import boards, quantized  # noqa: E402

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize("name", ["int8_native", "int4_native"])
def test_native_training_graph_equals_engine_on_core(board, name, tmp_path):
    config = quantized.RELEASED
    model = quantized.start(config, name)
    bundle = quantized.write(tmp_path / "bundle", config, model)
    write_files(tmp_path / "generated", generate(bundle))
    image = compile_for(board, tmp_path / "generated", tmp_path)
    clips = quantized.clips(config, 3, seed=7)
    for clip, wanted in zip(clips, quantized.int8_scores(model, bundle, clips), strict=True):
        got = run_on(board, image, bundle, clip.reshape(-1, 2, config.coefficients), tmp_path)
        assert np.array_equal(got[-1, : config.labels], wanted)
