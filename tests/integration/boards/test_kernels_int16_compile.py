"""Engines with int16 activations compile without a warning for every core, whatever the optimisation."""

import shutil
import subprocess

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_firmware.boards import load_board

from tests.integration.boards.test_kernels_compile import BUILDS
from tests.support.int16 import int16, wide_sums
from tests.support.models import elementwise, lookups, planes
from tests.support.native import WARNINGS
from tests.support.paths import ROOT

MODELS = [lambda: int16(planes()), lambda: int16(elementwise()), lambda: int16(lookups()), wide_sums]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Folders of generated engines, which together call every kernel of int16 but softmax."""
    folders = []
    for builder in MODELS:
        folders.append(tmp_path_factory.mktemp("int16"))
        write_files(folders[-1], generate(builder().write(folders[-1] / "bundle")))
    return folders


@pytest.mark.parametrize("board, flags", BUILDS, ids=str)
def test_int16_engines_compile(board, flags, engines, tmp_path):
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("missing: arm-none-eabi-g++")
    command = ["arm-none-eabi-g++", "-std=gnu++17", *WARNINGS, "-fno-exceptions", "-fno-rtti", *flags.split()]
    command += [*load_board(board).arch_flags, f"-I{ROOT / 'firmware/src'}", f"-I{ROOT / 'firmware/include'}"]
    for folder in engines:
        target = [f"-I{folder}", "-c", folder / "aot_model.cc", "-o", tmp_path / "engine.o"]
        result = subprocess.run([*command, *target], capture_output=True, text=True)
        assert result.returncode == 0, "\n".join(line for line in result.stderr.splitlines() if "rror" in line)[:2000]
