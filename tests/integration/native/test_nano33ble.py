"""Environment `nano33ble` as far as it goes without its registry: PlatformIO builds it with stand-ins of its parts."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kws_firmware import sources as firmware_sources
from kws_firmware.boards import Board
from kws_host.frame import Frame
from kws_reference.protocol.messages import MessageType

from tests.support import boards, native, tflm_tree

ARDUINO = boards.ROOT / "tests" / "fixtures" / "fake_arduino"
PLATFORM = boards.ROOT / "tests" / "fixtures" / "fake_nordicnrf52"
BOARD = Board.from_manifest("nano33ble", json.loads((PLATFORM / "boards" / "nano33ble.json").read_text()))
GENERATED = boards.ROOT / "firmware" / "generated"


def pio(project: Path, tree: Path) -> subprocess.CompletedProcess:
    """Builds the environment in a project that differs from ours only in the platform's place."""
    text = (boards.ROOT / "platformio.ini").read_text(encoding="utf-8")
    real = "platform = nordicnrf52@10.11.0\n"
    assert text.count(real) == 1
    project.mkdir()
    (project / "platformio.ini").write_text(text.replace(real, f"platform = symlink://{PLATFORM}\n"))
    for name in ("firmware", "host"):
        (project / name).symlink_to(boards.ROOT / name)
    environment = {"KWS_TFLM_TREE": str(tree), "PLATFORMIO_CORE_DIR": str(project / ".pio-core")}
    return boards.pio("run", "-e", "nano33ble", project=project, build_dir=project / "build", environment=environment)


def test_nano33ble_built_by_platformio_starts_the_application(tmp_path):
    """Arduino's main() calls setup(), which must reach the application: a call linked to nothing answers nothing."""
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    tree = tmp_path / "my tree, é (1)'&;%"  # signs that a shell would take for its own
    shutil.copytree(boards.FAKE_TREE, tree)
    result = pio(tmp_path / "project", tree)
    assert result.returncode == 0, result.stdout + result.stderr
    said = result.stdout + result.stderr
    assert "warning:" not in said and "Unity" not in said  # nothing of the registry's
    request = Frame(MessageType.GET_INFO, 1, b"").encode()
    program = tmp_path / "project" / "build" / "nano33ble" / "firmware.elf"
    answer = subprocess.run([program], input=request, capture_output=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert b"nano33ble" in answer.stdout and b"tflm" in answer.stdout


def test_nano33ble_without_or_with_an_old_tree_one_clear_line(tmp_path):
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    old = tmp_path / "old"
    shutil.copytree(boards.FAKE_TREE, old)
    header = old / "tensorflow/lite/micro/kernels/fully_connected.h"
    header.write_text("struct OpDataFullyConnected { int output_multiplier; };\n")
    for name, tree, message in (("none", Path(""), "holds no tensorflow"), ("old", old, "one scale per channel")):
        result = pio(tmp_path / f"project_{name}", tree)
        assert result.returncode != 0
        errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("error:")]
        assert len(errors) == 1 and message in errors[0], result.stdout + result.stderr
        assert "Traceback" not in result.stdout + result.stderr


def sources() -> list[Path]:
    """Our C++ of the environment."""
    return [
        *firmware_sources.files(*firmware_sources.folders(BOARD, "tflm")),
        *firmware_sources.generated_files(GENERATED, "tflm"),
    ]


def headers() -> list[Path]:
    """All our headers that the environment may include."""
    roots = [boards.ROOT / "firmware" / name for name in ("include", "src", "generated")]
    found = [path for root in roots for path in sorted(root.rglob("*.h"))]
    return [path for path in found if "engine/aot" not in path.as_posix()]


def syntax_check(*arguments: str) -> str:
    """The compiler's complaints with the stand-in's Arduino.h before everything else, "" where there are none."""
    includes = [ARDUINO, *firmware_sources.include_folders(BOARD, GENERATED)]
    command = [os.environ.get("CXX", "g++"), "-std=gnu++17", "-fsyntax-only", "-funsigned-char", *native.WARNINGS]
    command += ["-DARDUINO=10810", *[f"-D{name}" for name in tflm_tree.DEFINES]]
    command += [f"-D{name}={value}" for name, value in BOARD.macros.items()]
    command += [f"-I{folder}" for folder in includes]
    command += [f"-isystem{native.ROOT / folder}" for folder in tflm_tree.INCLUDES]
    result = subprocess.run([*command, "-include", "Arduino.h", *arguments], capture_output=True, text=True)
    return result.stderr if result.returncode else ""


def test_arduino_macros_break_none_of_our_sources():
    assert len(sources()) > 20
    assert syntax_check(*map(str, sources())) == ""


def test_arduino_macros_break_none_of_our_headers(tmp_path):
    everything = tmp_path / "everything.cc"
    assert len(headers()) > 20
    everything.write_text("".join(f'#include "{path}"\n' for path in headers()))
    assert syntax_check(str(everything)) == ""
