"""Engines with int16 activations on emulated cores: DSP and Helium dot products give the interpreter's integers."""

import pytest

from tests.integration.boards.test_engine_on_cores import check_on_core
from tests.support import boards
from tests.support.int16 import int16, wide_sums
from tests.support.models import UNUSUAL, matchbox

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


MODELS = {name: UNUSUAL[name] for name in ("odd_channels", "long_rows", "planes", "elementwise", "attention", "pools")}
MODELS |= {"matchbox": matchbox, "lookups": UNUSUAL["lookups"], "moves": UNUSUAL["moves"]}


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize("name", MODELS)
def test_int16_engine_on_core_equals_interpreter(board, name, tmp_path):
    check_on_core(board, int16(MODELS[name]()).write(tmp_path / "bundle", name=name), tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
def test_int16_engine_with_biases_of_32_bits_on_core_equals_interpreter(board, tmp_path):
    check_on_core(board, int16(matchbox(), bias="INT32").write(tmp_path / "bundle", name="bias32"), tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
def test_int16_engine_whose_sums_need_64_bits_on_core_equals_interpreter(board, tmp_path):
    check_on_core(board, wide_sums().write(tmp_path / "bundle", name="sums64"), tmp_path)
