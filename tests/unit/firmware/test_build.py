"""What PlatformIO's scripts do: words for a shell, sources by filter, the user's TensorFlow Lite Micro tree."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from kws_firmware import sources
from kws_firmware.boards import FIRMWARE, load_board

from tests.support import boards

pytest.importorskip("SCons", reason="SCons is missing (pip install .[host])")

from kws_firmware.build import tflm_tree, toolchain  # noqa: E402
from kws_firmware.build.command_words import macro, quote_paths, word  # noqa: E402
from SCons.Environment import Environment  # noqa: E402

ODD = "a b'c(d)&e;f$g%h"


def printed(*flags) -> list[str]:
    """The words that a program receives when SCons hands a list of flags to the shell."""
    env = Environment(tools=[], FLAGS=list(flags), SHOW="printf '%s\\n' $FLAGS")
    quote_paths(env)
    lines = env.subst_list("$SHOW", 0)[0]
    line = " ".join(each.escape(env["ESCAPE"]) if hasattr(each, "escape") else str(each) for each in lines)
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout.splitlines()


def test_word_with_signs_of_the_shell_and_of_scons_arrives_as_it_is():
    assert printed(word(f"-I{ODD}"), word("-Wall")) == [f"-I{ODD}", "-Wall"]


def test_macro_with_quotation_marks_arrives_as_a_string_of_c():
    assert printed(macro("KWS_BOARD_NAME", '"mine"'), macro("N", "25u")) == ['-DKWS_BOARD_NAME="mine"', "-DN=25u"]


# Sources


@pytest.mark.parametrize("application", sources.APPLICATIONS)
@pytest.mark.parametrize("engine", sources.ENGINES)
def test_source_filter_of_a_firmware_lets_its_files_through_and_no_other(engine, application):
    match_src_files = pytest.importorskip("platformio.fs", reason="PlatformIO is missing").match_src_files
    board = load_board("netduinoplus2")
    names = sources.folders(board, engine, application)
    found = match_src_files(str(FIRMWARE), sources.source_filter(names), ["cc"])
    assert sorted(FIRMWARE / name for name in found) == sorted(sources.files(*names))
    assert not any("boards/mps" in name or "boards/native" in name for name in found)
    main = f"src/{application}/main.cc"
    assert any(f"src/engine/{engine}/" in name for name in found)
    assert [name for name in found if name.endswith("/main.cc")] == [main]
    without = match_src_files(str(FIRMWARE), sources.source_filter(names, [main]), ["cc"])
    assert set(found) - set(without) == {main}


@pytest.mark.parametrize("application", sources.APPLICATIONS)
def test_folders_of_a_test_program_leave_the_application_out(application):
    board = load_board("mps2_an386")
    left_out = set(sources.folders(board, "aot", application)) - set(sources.folders(board, "aot", None))
    assert left_out == {sources.application_folder(application)}


@pytest.mark.parametrize("engine", sources.ENGINES)
def test_generated_filter_and_files_leave_the_other_engine_out(engine):
    match_src_files = pytest.importorskip("platformio.fs", reason="PlatformIO is missing").match_src_files
    model = FIRMWARE / "generated"
    found = match_src_files(str(model), sources.generated_filter(engine), ["cc"])
    assert [model / name for name in found] == sources.generated_files(model, engine)
    (other,) = set(sources.ENGINES) - {engine}
    assert f"{engine}_model.cc" in found and f"{other}_model.cc" not in found


def test_model_calls_cmsis_nn_only_if_it_includes_its_wrapper(tmp_path):
    assert not sources.uses_cmsis_nn(tmp_path)
    (tmp_path / "aot_model.cc").write_text('#include "engine/aot/kernels.h"\n')
    assert not sources.uses_cmsis_nn(tmp_path)
    (tmp_path / "aot_model.cc").write_text('#include "engine/aot/cmsis_nn.h"\n')
    assert sources.uses_cmsis_nn(tmp_path)


# The user's tree


@pytest.fixture
def tree(tmp_path) -> Path:
    return Path(shutil.copytree(boards.FAKE_TREE, tmp_path / "tree"))


def test_tree_that_is_complete_has_no_fault(tree):
    assert tflm_tree.fault_of(tree) == ""
    assert "CMSIS_NN" in tflm_tree.defines(tree)


@pytest.mark.parametrize(
    ("missing", "fault"),
    [
        ("tensorflow/lite/micro/micro_interpreter.h", "holds no tensorflow/lite/micro/micro_interpreter.h"),
        ("third_party/flatbuffers", "holds no third_party/flatbuffers/include: the tree is not complete"),
        ("tensorflow/lite/micro/micro_profiler_interface.h", "the tree is too old"),
        ("tensorflow/lite/micro/kernels/fully_connected.h", "kernels/fully_connected.h: not complete"),
    ],
)
def test_tree_that_lacks_something_is_told_what(tree, missing, fault):
    path = tree / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert fault in tflm_tree.fault_of(tree) and "create_tflm_tree.py" in tflm_tree.fault_of(tree)


def test_tree_with_a_dollar_sign_in_its_name_is_refused(tree):
    assert "must hold no dollar sign" in tflm_tree.fault_of(tree.rename(tree.with_name("a$b")))


def test_tree_of_portable_kernels_defines_no_cmsis_nn(tree):
    shutil.rmtree(tree / "tensorflow/lite/micro/kernels/cmsis_nn")
    assert "CMSIS_NN" not in tflm_tree.defines(tree)


def test_library_is_written_once_and_follows_the_tree(tree, tmp_path):
    folder = tmp_path / "library"
    tflm_tree.write_library(folder, tree)
    manifest, written = folder / "library.json", (folder / "library.json").stat().st_mtime_ns
    assert json.loads(manifest.read_text())["name"] == tflm_tree.LIBRARY
    moved = tree.rename(tree.with_name("moved"))
    tflm_tree.write_library(folder, moved)
    assert (folder / "tree").resolve() == moved and manifest.stat().st_mtime_ns == written


# The toolchain


def test_toolchain_of_the_host_follows_cxx(monkeypatch):
    monkeypatch.setenv("CXX", "clang++")
    env = Environment(tools=[], PROJECT_DIR="p", BUILD_DIR="b")
    toolchain.configure(env, load_board("native"), "firmware", Path("none"))
    assert (env["CXX"], env["CC"], env.subst("$PROGNAME$PROGSUFFIX")) == ("clang++", "clang", "firmware")


# Debuggers


@pytest.mark.parametrize(
    ("env", "tool", "server"),
    [
        ("stm32f4_discovery", "", "openocd -f board/stm32f4discovery.cfg"),
        ("disco_l475vg_iot01a", "", "openocd -f board/stm32l4discovery.cfg"),
        ("disco_l475vg_iot01a", "pyocd", "pyocd gdbserver -t stm32l475xg"),
        ("nano33ble_sense", "pyocd", "pyocd gdbserver -t nrf52840 -O auto_unlock=false"),
    ],
)
def test_pio_debug_of_a_chip_connects_gdb_to_the_boards_server(env, tool, server, tmp_path):
    click = pytest.importorskip("click")
    from platformio.debug.config.factory import DebugConfigFactory
    from platformio.platform.factory import PlatformFactory
    from platformio.project.config import ProjectConfig

    text = (FIRMWARE.parent / "platformio.ini").read_text(encoding="utf-8")
    project = tmp_path / "platformio.ini"
    chosen = f"\nboard = {env}\ndebug_tool = {tool}\n" if tool else f"\nboard = {env}\n"
    project.write_text(text.replace(f"\nboard = {env}\n", chosen), encoding="utf-8")
    platform = PlatformFactory.new(FIRMWARE / "platform")
    assert not platform.is_embedded(), "pio test would flash the board before it starts its own runner"
    with click.Context(click.Command("debug"), info_name="debug"):
        config = DebugConfigFactory.new(platform, ProjectConfig(str(project)), env)
    assert " ".join([config.server["executable"], *config.server["arguments"]]) == server
    assert "target extended-remote $DEBUG_PORT" in config.GDB_INIT_SCRIPT
