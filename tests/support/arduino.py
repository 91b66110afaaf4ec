"""Environments of Arduino cores, built by PlatformIO for this machine with stand-ins of platform and core."""

import contextlib
import os
import re
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path

from kws_firmware.environments import Environment, environments

from tests.support import boards

CORE = boards.ROOT / "tests" / "fixtures" / "fake_arduino"
PLATFORM = boards.ROOT / "tests" / "fixtures" / "fake_arduino_platform"
RESTARTED = 3
"""Exit status of the stand-in where the chip would be reset."""
_PLATFORM_LINE = re.compile(r"^platform = (?!symlink:)(.+)$", re.MULTILINE)


def arduino_environments() -> dict[str, Environment]:
    """The environments that are made of `firmware/boards/arduino`, by name."""
    return {item.name: item for item in environments() if item.folder == "arduino"}


def platforms() -> list[str]:
    """The platforms that platformio.ini takes from elsewhere."""
    return _PLATFORM_LINE.findall((boards.ROOT / "platformio.ini").read_text(encoding="utf-8"))


def make_project(project: Path, replaced: dict[str, str] | None = None) -> None:
    """Writes a project that differs from ours only in where those platforms lie, and in `replaced` texts."""
    text = (boards.ROOT / "platformio.ini").read_text(encoding="utf-8")
    text = _PLATFORM_LINE.sub(f"platform = symlink://{PLATFORM}", text)
    for old, new in (replaced or {}).items():
        assert old in text
        text = text.replace(old, new)
    project.mkdir()
    (project / "platformio.ini").write_text(text, encoding="utf-8")
    for name in ("firmware", "host"):
        (project / name).symlink_to(boards.ROOT / name)


def build(project: Path, name: str, tree: Path | None = None, model: Path | None = None) -> subprocess.CompletedProcess:
    """Builds an environment of a project, with a TensorFlow Lite Micro tree for engine `tflm`, or another model."""
    environment = {"PLATFORMIO_CORE_DIR": str(project / ".pio-core"), "KWS_TFLM_TREE": str(tree or "")}
    if model is not None:
        environment["KWS_GENERATED"] = str(model)
    return boards.pio("run", "-e", name, project=project, build_dir=project / "build", environment=environment)


@contextlib.contextmanager
def running(program: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Runs a program whose serial port is a terminal: name of the port, and the process. It ends with the port."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    process = subprocess.Popen([program], stdin=ours, stdout=ours)
    os.close(ours)
    try:
        yield os.ttyname(theirs), process
    finally:
        os.close(theirs)
        try:
            process.wait(10)
        finally:
            process.kill()
