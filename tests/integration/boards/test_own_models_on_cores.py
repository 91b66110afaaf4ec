"""Models of all kinds, written in Keras and quantized after training, on emulated boards."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from tests.integration.boards.test_engine_on_cores import check_on_core  # noqa: E402
from tests.support import boards, own_models  # noqa: E402

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize("name", own_models.BUILDERS)
def test_model_written_in_keras_on_core_equals_interpreter(board, name, tmp_path):
    check_on_core(board, own_models.write(name, tmp_path / "bundle"), tmp_path)
