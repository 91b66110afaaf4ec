"""Engine aot on emulated cores: DSP and Helium kernels compute the interpreter's integers for shapes of all kinds."""

import subprocess

import numpy as np
import pytest
from kws_codegen import report
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import build, generate
from kws_firmware import sources
from kws_firmware.boards import FIRMWARE, load_board
from kws_reference.bundle import Bundle

from tests.support import boards, cores, engines
from tests.support.models import UNUSUAL, int4, matchbox
from tests.support.paths import ROOT
from tests.support.random_graphs import random_memories, random_planes

pytestmark = pytest.mark.qemu
CORES = {
    "mps2_an386": "__ARM_FEATURE_DSP",
    "mps2_an500": "__ARM_FEATURE_DSP",
    "mps3_an547": "__ARM_FEATURE_MVE",
}


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


def compile_for(board, generated, folder):
    """The image of engine_runner on `board` with a generated engine."""
    own = [ROOT / "tests/integration/boards/engine_runner.cc", generated / "aot_model.cc", generated / "model_info.cc"]
    includes, third_party = [generated], []
    if sources.uses_cmsis_nn(generated):
        third_party, folders, _ = engines.cmsis_nn()
        own.append(FIRMWARE / sources.CMSIS_NN_WRAPPER)
        includes += folders
    return cores.compile_for(board, own, folder, includes=includes, third_party=third_party)


def run_on(board, image, bundle, features, folder):
    """Scores and states of every step, int8 `[steps, ...]`."""
    return np.frombuffer(cores.run(board, image, features.tobytes(), folder), np.int8).reshape(len(features), -1)


@pytest.mark.parametrize("board", CORES)
def test_engine_on_core_uses_its_instructions(board):
    """Otherwise the tests below would only compare the portable kernels."""
    command = ["arm-none-eabi-g++", *load_board(board).arch_flags, "-dM", "-E", "-x", "c++", "/dev/null"]
    macros = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert f"#define {CORES[board]} " in macros


BUILDERS = {
    **UNUSUAL,
    "small_matchbox": matchbox,
    "matchbox_of_other_widths": lambda: matchbox(3, features=20, width=36, labels=6),
}


# Their few layers are dense, of sizes that other models have too.
WITHOUT_KERNELS_OF_WEIGHTS = ("lookups", "moves", "elementwise", "pools", "feedback", "handed_on", "memories", "gates")

# M7 runs M4's instructions: a few models show that they are the same there.
ON_M7 = ("matchbox", "odd_channels", "long_rows", "handed_on", "lookups", "memories", "borders")


@pytest.mark.parametrize(
    ("board", "name"), [(b, n) for b in CORES for n in BUILDERS if b != "mps2_an500" or n in ON_M7]
)
def test_engine_on_core_equals_interpreter(board, name, tmp_path):
    check_on_core(board, BUILDERS[name]().write(tmp_path / "bundle", name=name), tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize("name", [name for name in BUILDERS if name not in WITHOUT_KERNELS_OF_WEIGHTS])
def test_int4_engine_on_core_equals_interpreter(board, name, tmp_path):
    builder = BUILDERS[name]()
    check_on_core(board, builder.write(tmp_path / "bundle", name=name, graph=int4(builder.graph())), tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize("seed", [5, 22, 24])
def test_engine_of_random_planes_on_core_equals_interpreter(board, seed, tmp_path):
    check_on_core(board, random_planes(seed).write(tmp_path / "bundle", name=f"planes{seed}"), tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_engine_of_random_memories_on_core_equals_interpreter(board, seed, tmp_path):
    check_on_core(board, random_memories(seed).write(tmp_path / "bundle", name=f"memories{seed}"), tmp_path)


@pytest.mark.parametrize("board", CORES)
@pytest.mark.parametrize("name", ["matchbox", "matchbox_int4"])
def test_released_bundle_on_core_equals_interpreter(board, name, bundle_path, tmp_path):
    check_on_core(board, Bundle.load(bundle_path.with_name(name)), tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
@pytest.mark.parametrize(
    "precision", ["ptq", "int8_fake", "int8_native", "int6_fake", "int4_ptq", "int4_fake", "int4_native"]
)
def test_trained_bundle_of_every_precision_on_core_equals_interpreter(board, precision, tmp_path):
    bundle = Bundle.load(ROOT / "training/zoo/experiments/precision/kit-12/s1" / precision)
    check_on_core(board, bundle, tmp_path)


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
def test_int4_weights_stay_packed_in_the_image(board, bundle_path, tmp_path):
    bundle = Bundle.load(bundle_path.with_name("matchbox_int4"))
    write_files(tmp_path / "generated", generate(bundle))
    compile_for(board, tmp_path / "generated", tmp_path)
    weights = [weights_bytes(each) for each in (bundle, Bundle.load(bundle_path))]
    # The dense layer has 8 bits; a kernel of an odd number of taps has half a byte of padding for each of its channels.
    assert 0.5 <= weights[0] / weights[1] < 0.52
    command = ["arm-none-eabi-nm", "--print-size", tmp_path / "runner.elf"]
    symbols = [line.split() for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
    assert sum(int(line[1], 16) for line in symbols if len(line) == 4 and "Weights" in line[3]) == weights[0]


def weights_bytes(bundle):
    return sum(layer["weights_bytes"] for layer in report.facts(bundle, *build(bundle))["layers"])


def check_on_core(board, bundle, tmp_path):
    """Scores and states of `bundle` on an emulated board, bit by bit."""
    write_files(tmp_path / "generated", generate(bundle))
    image = compile_for(board, tmp_path / "generated", tmp_path)
    features = engines.random_features(bundle, 60)
    got = run_on(board, image, bundle, features, tmp_path)
    assert np.array_equal(got, engines.reference(bundle, features))
