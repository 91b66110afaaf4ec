"""Environments of Arduino cores as far as they go without a registry: PlatformIO builds them with stand-ins."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_codegen.options import Kernels, Options
from kws_firmware import sources as firmware_sources
from kws_firmware.boards import Board
from kws_host.device import Device
from kws_host.frame import Frame
from kws_host.link import Link
from kws_reference.bundle import Bundle
from kws_reference.protocol.messages import ClockKind, MessageType, Restart

from tests.support import arduino, boards, host_cli, native, tflm_tree

GENERATED = boards.ROOT / "firmware" / "generated"
CLIP = boards.ROOT / "host" / "demo" / "words"
AOT = ("nano33ble", "nucleo_f446re", "disco_f746ng", "esp32-s3-devkitc-1", "rpipico2")
HEARD = ("nano33ble", "disco_f746ng", "esp32-s3-devkitc-1", "rpipico2")
"""One of each core, and both Cortex-M that CMSIS has a counter for."""
STAND_INS = {path.stem: json.loads(path.read_text()) for path in sorted(arduino.PLATFORM.glob("boards/*.json"))}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project in which the environments are built."""
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    folder = tmp_path_factory.mktemp("arduino") / "project"
    arduino.make_project(folder)
    return folder


def program(project: Path, name: str, tree: Path | None = None, model: Path | None = None) -> Path:
    """The program of an environment, built unless it was."""
    built = project / "build" / name / "firmware.elf"
    if not built.is_file():
        result = arduino.build(project, name, tree, model)
        said = result.stdout + result.stderr
        assert result.returncode == 0, said
        assert "warning:" not in said and "Unity" not in said  # nothing of the registry's
    return built


def test_every_board_under_arduino_has_both_engines_and_a_stand_in():
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    declared = arduino.arduino_environments()
    assert [name for name, item in declared.items() if item.engine == "aot"] == list(AOT)
    assert {name for name, item in declared.items() if item.engine == "tflm"} == {f"{name}_tflm" for name in AOT}
    assert {item.board for item in declared.values()} == set(STAND_INS)
    assert all("**not built here**" in item.state for item in declared.values())


def test_platform_of_a_board_under_arduino_is_pinned():
    names = arduino.platforms()
    assert len(names) == 4
    assert all(re.fullmatch(r"\w+@\d+\.\d+\.\d+|https://\S+\.git#[0-9a-f]{40}", name) for name in names), names


@pytest.mark.parametrize("name", [name for name in AOT if name != "nucleo_f446re"])
def test_aot_board_under_arduino_says_who_it_is_and_restarts(name, project):
    built = program(project, name)
    with arduino.running(built) as (port, process):
        with Link(port) as link:
            device = Device(link)
            assert (device.info.board, device.info.engine) == (name, "aot")
            assert device.info.clock_kind == ClockKind.CYCLES
            link.send(MessageType.RESTART, Restart().encode())
            assert process.wait(30) == arduino.RESTARTED


@pytest.mark.parametrize("name", HEARD)
def test_aot_board_under_arduino_hears_a_clip_as_the_reference_does(name, project, capsys):
    with arduino.running(program(project, name)) as (port, _):
        status, out, err = host_cli.run(capsys, "check", "--port", port, "--limit", 1, CLIP)
    assert status == 0, out + err


def test_model_of_cmsis_nn_under_arduino_finds_its_headers_and_the_core_its_own(project, tmp_path, bundle_path, capsys):
    """The core's headers of CMSIS and those that come with CMSIS-NN have the same names."""
    if not firmware_sources.cmsis_nn_folder().is_dir():
        pytest.skip("CMSIS-NN is not in firmware/third_party: run `make sources`")
    write_files(tmp_path / "model", generate(Bundle.load(bundle_path), Options(Kernels.CMSIS)))
    assert firmware_sources.uses_cmsis_nn(tmp_path / "model")
    built = program(project, "nucleo_f446re", model=tmp_path / "model")
    with arduino.running(built) as (port, _):
        status, out, err = host_cli.run(capsys, "check", "--port", port, "--limit", 1, CLIP)
    assert status == 0, out + err


@pytest.mark.parametrize("name", AOT)
def test_tflm_board_under_arduino_starts_the_application(name, project, tmp_path):
    """Arduino's main() calls setup(), which must reach the application: a call linked to nothing answers nothing."""
    tree = tmp_path / "my tree, é (1)'&;%"  # signs that a shell would take for its own
    shutil.copytree(boards.FAKE_TREE, tree)
    built = program(project, f"{name}_tflm", tree)
    request = Frame(MessageType.GET_INFO, 1, b"").encode()
    answer = subprocess.run([built], input=request, capture_output=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert name.encode() in answer.stdout and b"tflm" in answer.stdout


def errors_of(result: subprocess.CompletedProcess) -> list[str]:
    """Error lines of a build that failed as it should."""
    said = result.stdout + result.stderr
    assert result.returncode != 0 and "Traceback" not in said, said
    return [line for line in said.splitlines() if line.startswith("error:")]


def test_tflm_board_under_arduino_without_or_with_an_old_tree_one_clear_line(project, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(boards.FAKE_TREE, old)
    header = old / "tensorflow/lite/micro/kernels/fully_connected.h"
    header.write_text("struct OpDataFullyConnected { int output_multiplier; };\n")
    for tree, message in ((Path("firmware"), "holds no tensorflow"), (old, "one scale per channel")):
        errors = errors_of(arduino.build(project, "rpipico2_tflm", tree))
        assert len(errors) == 1 and message in errors[0]


@pytest.mark.parametrize(
    ("line", "received"), [("", "''"), ("custom_kws_board = stm32\n", "'stm32'"), ("custom_kws_board = ..\n", "'..'")]
)
def test_board_of_another_platform_without_its_folder_one_clear_line(line, received, tmp_path):
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    arduino.make_project(tmp_path / "project", {"custom_kws_board = arduino\n": line})
    errors = errors_of(arduino.build(tmp_path / "project", "rpipico2"))
    assert len(errors) == 1 and "custom_kws_board names" in errors[0] and "'arduino'" in errors[0]
    assert errors[0].endswith(f"Received: {received}")


# What the cores' macros would break


def board_of(name: str) -> Board:
    """The board of a stand-in's file."""
    return Board.from_manifest(name, STAND_INS[name], "arduino")


def syntax_check(name: str, engine: str, *arguments: str) -> str:
    """The compiler's complaints with the stand-in's Arduino.h before everything else, "" where there are none."""
    board, facts = board_of(name), STAND_INS[name]["build"]["stand_in"]
    includes = [arduino.CORE, arduino.CORE / "cmsis", *firmware_sources.include_folders(board, GENERATED)]
    command = [os.environ.get("CXX", "g++"), "-std=gnu++17", "-fsyntax-only", "-funsigned-char", *native.WARNINGS]
    command += ["-DARDUINO=10810", f"-DARDUINO_ARCH_{facts['arch']}", "-DSERIAL_RX_BUFFER_SIZE=4096"]
    command += [f"-DKWS_FAKE_CORTEX_M={facts['cortex_m']}"] if "cortex_m" in facts else []
    command += [f"-D{macro}={value}" for macro, value in board.macros.items()]
    command += [f"-I{folder}" for folder in includes]
    if engine == "tflm":
        command += [f"-D{macro}" for macro in tflm_tree.DEFINES]
        command += [f"-isystem{native.ROOT / folder}" for folder in tflm_tree.INCLUDES]
    result = subprocess.run([*command, "-include", "Arduino.h", *arguments], capture_output=True, text=True)
    return result.stderr if result.returncode else ""


@pytest.mark.parametrize("engine", firmware_sources.ENGINES)
def test_arduino_macros_break_none_of_our_sources(engine):
    """The sources of both engines but for the stages, which are the same, are read once."""
    board = board_of("nano33ble")
    folders = firmware_sources.folders(board, engine)
    sources = [*firmware_sources.files(*folders), *firmware_sources.generated_files(GENERATED, engine)]
    if engine == "aot":
        sources = [path for path in sources if "/aot" in path.as_posix() and path.name != "cmsis_nn.cc"]
    else:
        assert len(sources) > 20
    assert sources and syntax_check("nano33ble", engine, *map(str, sources)) == ""


def test_arduino_macros_break_none_of_our_headers(tmp_path):
    roots = [boards.ROOT / "firmware" / name for name in ("include", "src", "generated")]
    found = [path for root in roots for path in sorted(root.rglob("*.h"))]
    assert len(found) > 20
    everything = tmp_path / "everything.cc"
    everything.write_text("".join(f'#include "{path}"\n' for path in found))
    assert syntax_check("nano33ble", "tflm", str(everything)) == ""


def test_arduino_core_that_is_not_known_one_clear_error():
    path = boards.ROOT / "firmware" / "boards" / "arduino" / "arduino.cc"
    name = "esp32-s3-devkitc-1"  # brings no CMSIS
    assert syntax_check(name, "aot", str(path)) == ""
    said = syntax_check(name, "aot", "-UARDUINO_ARCH_ESP32", "-DARDUINO_ARCH_RP2040", "-DARDUINO_ARCH_MBED", str(path))
    assert "this Arduino core is not known here" in said


def test_receiver_of_stm32duino_that_is_too_small_is_an_error():
    path = boards.ROOT / "firmware" / "boards" / "arduino" / "arduino.cc"
    said = syntax_check("nucleo_f446re", "aot", "-USERIAL_RX_BUFFER_SIZE", str(path))
    assert "build with -DSERIAL_RX_BUFFER_SIZE=4096" in said
