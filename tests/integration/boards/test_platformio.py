"""The PlatformIO commands that the README promises, on emulated boards."""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kws_firmware.boards import FOLDER
from kws_host.device import Device
from kws_host.emulator import background
from kws_host.link import Link

from tests.support import boards


def port_of(env: str) -> int:
    """The TCP port that platformio.ini gives an environment."""
    from platformio.project.config import ProjectConfig

    return int(ProjectConfig(str(boards.ROOT / "platformio.ini")).get(f"env:{env}", "upload_port").rpartition(":")[2])


@pytest.fixture
def free_port():
    """A port that the upload target may use: the environment's own where nobody uses it."""

    def check(env: str) -> int:
        port = port_of(env)
        background.stop(port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"missing: TCP port {port}, somebody else listens there")
        return port

    return check


@pytest.mark.qemu
@pytest.mark.parametrize("env", boards.EMULATED)
def test_pio_upload_starts_the_board_and_stop_ends_it(env, free_port):
    boards.build(env)
    port = free_port(env)
    result = boards.pio("run", "-e", env, "-t", "upload")
    try:
        assert result.returncode == 0, result.stdout + result.stderr
        assert f"socket://127.0.0.1:{port}" in result.stdout
        with Link(f"socket://127.0.0.1:{port}") as link:
            assert Device(link).info.board == env
        # A second upload takes the place of the first.
        again = boards.pio("run", "-e", env, "-t", "upload")
        assert again.returncode == 0, again.stdout + again.stderr
        with Link(f"socket://127.0.0.1:{port}") as link:
            assert Device(link).info.board == env
    finally:
        stopped = boards.pio("run", "-e", env, "-t", "stop")
    assert "stopped the emulator" in stopped.stdout
    with socket.socket() as probe, pytest.raises(OSError):
        probe.connect(("127.0.0.1", port))


@pytest.mark.qemu
def test_pio_upload_port_occupied_one_clear_line(free_port):
    boards.build("mps2_an386")
    port = free_port("mps2_an386")
    with socket.socket() as occupier:
        occupier.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupier.bind(("127.0.0.1", port))
        occupier.listen(1)
        result = boards.pio("run", "-e", "mps2_an386", "-t", "upload")
    assert result.returncode != 0
    assert f"error: TCP port {port} is in use" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.qemu
def test_pio_upload_with_another_port_starts_the_board_there():
    boards.build("mps2_an386")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"socket://127.0.0.1:{port}"
    result = boards.pio("run", "-e", "mps2_an386", "-t", "upload", "--upload-port", url)
    try:
        assert result.returncode == 0, result.stdout + result.stderr
        with Link(url) as link:
            assert Device(link).info.board == "mps2_an386"
    finally:
        background.stop(port)


@pytest.mark.qemu
def test_pio_upload_by_a_protocol_of_the_chip_calls_its_program(tmp_path):
    boards.require_tools()
    program = tmp_path / "st-flash"
    program.write_text('#!/bin/sh\necho "$0 $@"\n')
    program.chmod(0o755)
    result = upload_by("stlink", "netduinoplus2", tmp_path, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    image = tmp_path / "build" / "netduinoplus2" / "firmware.bin"
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{program} --reset write {image} 0x08000000" in result.stdout


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("env", "protocol", "program", "arguments"),
    [
        (
            "nrf52840_dk",
            "jlink",
            "JLinkExe",
            "-device nRF52840_xxAA -if SWD .* -CommanderScript {build}/firmware.jlink",
        ),
        ("nrf52840_dk", "pyocd", "pyocd", "load -t nrf52840 -a 0x00000000 {build}/firmware.bin"),
        (
            "nano33ble_sense",
            "pyocd",
            "pyocd",
            "load -t nrf52840 -O auto_unlock=false -a 0x00010000 {build}/firmware.bin",
        ),
        ("nano33ble_sense", "bossac", "bossac", "-d --port=/dev/ttyACM7 -U -i -e -w {build}/firmware.bin -R"),
        ("stm32f4_discovery", "stlink", "st-flash", "--reset write {build}/firmware.bin 0x08000000"),
        (
            "disco_l475vg_iot01a",
            "openocd",
            "openocd",
            "-f board/stm32l4discovery.cfg -c program firmware.elf verify reset exit",
        ),
    ],
)
def test_pio_upload_to_a_chip_without_an_emulator_calls_its_program(env, protocol, program, arguments, tmp_path):
    fake = tmp_path / program
    fake.write_text('#!/bin/sh\necho "$0 $@"\n')
    fake.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    if protocol == load_board_file(env)["upload"]["protocol"]:
        boards.build(env)
        build = boards.BUILD / env
        result = boards.pio("run", "-e", env, "-t", "upload", "--upload-port", "/dev/ttyACM7", environment=path)
    else:
        build = tmp_path / "build" / env
        result = upload_by(protocol, env, tmp_path, path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(f"^{fake} {arguments.format(build=build)}$", result.stdout, re.MULTILINE), result.stdout
    if protocol == "jlink":
        script = (build / "firmware.jlink").read_text(encoding="utf-8")
        assert script == f'loadbin "{build}/firmware.bin", 0x00000000\nr\ng\nexit\n'


@pytest.mark.qemu
def test_pio_upload_by_a_boot_loader_without_its_port_one_clear_line():
    boards.build("nano33ble_sense")
    result = boards.pio("run", "-e", "nano33ble_sense", "-t", "upload")
    errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("error:")]
    assert result.returncode != 0
    assert len(errors) == 1 and "press the board's button twice" in errors[0]


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("env", "protocol", "message"),
    [
        ("netduinoplus2", "dfu", "dfu-util is not on PATH: install it"),
        ("mps2_an386", "stlink", "upload_protocol 'stlink' is not one of mps2_an386's: qemu"),
    ],
)
def test_pio_upload_by_what_is_not_there_one_clear_line(env, protocol, message, tmp_path):
    boards.require_tools()
    if shutil.which("dfu-util"):
        pytest.skip("dfu-util is installed: it would look for a chip")
    result = upload_by(protocol, env, tmp_path)
    assert result.returncode != 0
    errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("error:")]
    assert errors == [f"error: {message}"]


def load_board_file(env: str) -> dict:
    """A board's file as PlatformIO reads it."""
    return json.loads((FOLDER / f"{env}.json").read_text(encoding="utf-8"))


def upload_by(protocol: str, env: str, folder: Path, environment=None) -> subprocess.CompletedProcess:
    """Target upload of an environment with another `upload_protocol`.

    It is built in a folder of its own: PlatformIO empties one that was built from another platformio.ini.
    """
    text = (boards.ROOT / "platformio.ini").read_text(encoding="utf-8")
    project = folder / "other.ini"
    project.write_text(text.replace(f"\nboard = {env}\n", f"\nboard = {env}\nupload_protocol = {protocol}\n"))
    return boards.pio(
        "run", "-c", str(project), "-e", env, "-t", "upload", build_dir=folder / "build", environment=environment
    )


@pytest.mark.qemu
@pytest.mark.parametrize("env", ["native", "mps2_an386"])
def test_pio_under_a_python_without_the_kit_builds_and_says_why_it_cannot_emulate(env, tmp_path):
    """PlatformIO often has a Python of its own, in which nothing of ours is installed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder).lower()]\n"
    )
    boards.require_tools()
    foreign = {"PYTHONPATH": str(tmp_path)}
    alone = subprocess.run(
        [sys.executable, "-c", "import kws_host"], cwd=tmp_path, env={**os.environ, **foreign}, capture_output=True
    )
    if alone.returncode == 0:
        pytest.skip("the kit is not installed in editable mode: it cannot be hidden from PlatformIO")
    result = boards.pio("run", "-e", env, build_dir=tmp_path / "build", environment=foreign)
    assert result.returncode == 0, result.stdout + result.stderr
    if env == "mps2_an386":
        result = boards.pio("run", "-e", env, "-t", "upload", build_dir=tmp_path / "build", environment=foreign)
        errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("error:")]
        assert result.returncode != 0 and len(errors) == 1 and "has no kws_host" in errors[0]


@pytest.mark.qemu
def test_pio_size_prints_sections():
    boards.build("mps3_an547")
    result = boards.pio("run", "-e", "mps3_an547", "-t", "size")
    assert result.returncode == 0, result.stdout + result.stderr
    assert ".text" in result.stdout and ".stack" in result.stdout


@pytest.mark.qemu
def test_pio_device_monitor_shows_what_the_board_sends(free_port):
    boards.build("mps2_an386")
    free_port("mps2_an386")
    assert boards.pio("run", "-e", "mps2_an386", "-t", "upload").returncode == 0
    try:
        command = [sys.executable, "-m", "platformio", "device", "monitor", "-e", "mps2_an386", "--raw"]
        environment = {**os.environ, "PLATFORMIO_CORE_DIR": str(boards.ROOT / ".pio-core")}
        # The monitor wants a terminal.
        control, terminal = os.openpty()
        monitor = subprocess.Popen(
            command, cwd=boards.ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        try:
            seen, deadline = b"", time.monotonic() + 60
            # HELLO is the first thing that the firmware sends; frames end with a zero byte.
            while b"\0" not in seen and time.monotonic() < deadline:
                if select.select([control], [], [], 1)[0]:
                    seen += os.read(control, 4096)
            assert b"\0" in seen, seen
        finally:
            monitor.kill()
            monitor.wait()
            os.close(control)
            os.close(terminal)
    finally:
        boards.pio("run", "-e", "mps2_an386", "-t", "stop")


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("env", boards.EMULATED)
def test_pio_test_all_suites_pass_on_the_board(env):
    boards.require_tools()
    result = boards.pio("test", "-e", env, "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "PASS fault_overflow_type" in result.stdout and "PASS scores_of_all_steps" in result.stdout


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("tree", "message"),
    [("", "KWS_TFLM_TREE is not set"), ("tests", "holds no tensorflow/lite/micro/micro_interpreter.h")],
)
def test_pio_tflm_without_a_tree_one_clear_line(tree, message):
    boards.require_tools()
    result = boards.pio("run", "-e", "mps2_an386_tflm", environment={"KWS_TFLM_TREE": tree})
    assert result.returncode != 0
    errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and message in errors[0] and "create_tflm_tree.py" in errors[0]
    assert "Traceback" not in result.stdout + result.stderr


MICRO = "tensorflow/lite/micro"
# Dense layers as they were before they knew one scale per channel; cmsis_nn's named factors per channel even then.
OLD_KERNEL = "struct OpData { int* per_channel_output_multiplier; };\n"


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (f"{MICRO}/micro_profiler_interface.h", None, "the tree is too old"),
        (f"{MICRO}/kernels/fully_connected.h", "struct OpDataFullyConnected {};\n", "one scale per channel"),
        (f"{MICRO}/kernels/cmsis_nn/fully_connected.cc", OLD_KERNEL, "one scale per channel"),
        (
            f"{MICRO}/kernels/fully_connected.cpp",
            OLD_KERNEL,
            "one scale per channel",
        ),  # create_tflm_tree --rename_cc_to_cpp
    ],
)
def test_pio_tflm_old_tree_one_clear_line(tmp_path, name, text, message):
    boards.require_tools()
    shutil.copytree(boards.FAKE_TREE, tmp_path, dirs_exist_ok=True)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    result = boards.pio("run", "-e", "mps2_an386_tflm", environment={"KWS_TFLM_TREE": str(tmp_path)})
    assert result.returncode != 0
    errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and message in errors[0] and "current checkout" in errors[0].lower()
    assert "Traceback" not in result.stdout + result.stderr


def test_tflm_source_filter_every_pattern_leaves_something_out():
    from platformio.fs import match_src_files

    pytest.importorskip("SCons", reason="SCons is missing (pip install .[host])")
    from kws_firmware.build.tflm_tree import SOURCE_FILTER as patterns

    def refused(chosen: list[str]) -> list[str]:
        """Files with `#error` that a filter lets through."""
        files = match_src_files(str(boards.FAKE_TREE), chosen, ["c", "cc"])
        return [name for name in files if '#error "the firmware build' in (boards.FAKE_TREE / name).read_text()]

    assert refused(patterns) == []
    for pattern in patterns[1:]:
        if pattern.startswith("-"):
            assert refused([other for other in patterns if other != pattern]), (
                f"no file in {boards.FAKE_TREE} needs {pattern}"
            )


@pytest.mark.qemu
def test_pio_model_folder_empty_one_clear_line(tmp_path):
    boards.require_tools()
    result = boards.pio("run", "-e", "mps2_an386", environment={"KWS_GENERATED": str(tmp_path)})
    assert result.returncode != 0
    assert "error: no generated model in" in result.stdout + result.stderr


@pytest.mark.qemu
@pytest.mark.parametrize("stated", ["", "#if KWS_CONTRACT_VERSION != 2\n"], ids=["without_one", "older"])
def test_pio_model_of_another_contract_one_clear_line(stated, tmp_path):
    boards.require_tools()
    (tmp_path / "model_info.h").write_text(stated)
    result = boards.pio("run", "-e", "mps2_an386", environment={"KWS_GENERATED": str(tmp_path)})
    assert result.returncode != 0
    assert f"error: the generated model in {tmp_path} is of another version of the kit" in result.stdout + result.stderr
