"""Builds firmware with PlatformIO once per test run, for every test that needs an emulated board."""

import contextlib
import fcntl
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from kws_firmware.boards import emulated_boards, load_boards

from tests.support.paths import ROOT

BUILD = ROOT / "build" / "pio"
TIMEOUT_S = 3600  # a whole TensorFlow Lite Micro tree (over 300 sources) took 960 s on a busy machine
EMULATED = tuple(emulated_boards())
COMPILED = tuple(name for name, board in load_boards().items() if board.toolchain == "arm")
FAKE_TREE = ROOT / "tests" / "fixtures" / "fake_tflm_tree"


def require_tools() -> None:
    """Skips the test, naming what is missing, where boards cannot be built and emulated."""
    missing = [tool for tool in ("arm-none-eabi-g++", "qemu-system-arm") if shutil.which(tool) is None]
    missing += [f"{module} (pip)" for module in ("platformio", "SCons") if importlib.util.find_spec(module) is None]
    if not (ROOT / "firmware" / "third_party" / "cmsis_nn").is_dir():
        missing.append("firmware/third_party/cmsis_nn (make sources)")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


def pio(
    *arguments: str, build_dir: Path = BUILD, project: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Runs PlatformIO in `project` and returns its result, whatever the exit status; output as text.

    One at a time in each folder of builds, whichever processes run tests; of each process the first one alone, since
    PlatformIO's own folder may be new.
    """
    variables = {
        **os.environ,
        "PLATFORMIO_BUILD_DIR": str(build_dir),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        **(environment or {}),
    }
    variables.setdefault("PLATFORMIO_CORE_DIR", str(ROOT / ".pio-core"))
    core = Path(variables["PLATFORMIO_CORE_DIR"])
    alone = contextlib.nullcontext() if core in _begun else _locked(core / "tests.lock")
    with alone, _locked(build_dir.with_name(f"{build_dir.name}.lock")):
        result = subprocess.run(
            [sys.executable, "-m", "platformio", *arguments],
            cwd=project,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    _begun.add(core)
    return result


_begun: set[Path] = set()
"""PlatformIO's own folders that this process has used."""


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps out other processes that take the same lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def build(env: str) -> Path:
    """Image of a PlatformIO environment, built at most once per test run.

    Raises:
      AssertionError: the build failed; the message holds its output.
    """
    require_tools()
    # The reader's own tree where there is one: then the same tests are of the real interpreter.
    tree = os.environ.get("KWS_TFLM_TREE") or str(FAKE_TREE)
    result = pio("run", "-e", env, environment={"KWS_TFLM_TREE": tree})
    assert result.returncode == 0, result.stdout + result.stderr
    return BUILD / env / "firmware.elf"
