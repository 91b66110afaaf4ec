"""The checkout that the kit runs from: its folders, PlatformIO's environments in it, and what they build."""

import configparser
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kws_reference.errors import KwsError

if TYPE_CHECKING:
    from platformio.project.config import ProjectConfig

ROOT = Path(__file__).resolve().parents[2]
PLATFORMIO_INI = ROOT / "platformio.ini"
BOARDS = ROOT / "firmware" / "platform" / "boards"
RELEASED_BUNDLE = ROOT / "training" / "zoo" / "matchbox"
NO_PLATFORMIO = "PlatformIO is not installed: pip install 'kws-kit[host]'"


def environments(project: Path = PLATFORMIO_INI) -> dict[str, str]:
    """Board of every environment of a platformio.ini, as PlatformIO itself reads it; none where there is no such file.

    Raises:
      KwsError: the file cannot be parsed, or PlatformIO is not installed.
    """
    with platformio_config(project) as config:
        return {name: config.get(f"env:{name}", "board", "") for name in config.envs()}


@contextlib.contextmanager
def platformio_config(project: Path = PLATFORMIO_INI) -> Iterator["ProjectConfig"]:
    """A platformio.ini as PlatformIO reads it, empty where there is no such file; PlatformIO is loaded only here.

    Raises:
      KwsError: the file, or an option that is asked for, cannot be read, or PlatformIO is not installed.
    """
    try:
        from platformio.project.config import ProjectConfig
        from platformio.project.exception import ProjectError
    except ImportError:
        raise KwsError(NO_PLATFORMIO) from None
    try:
        yield ProjectConfig(str(project))
    except (ProjectError, configparser.Error, UnicodeDecodeError) as error:
        raise KwsError(f"cannot read {project}: {error}") from error


def firmware_of(environment: str) -> Path:
    """Where PlatformIO puts the firmware of an environment; the boards' environments have the boards' names."""
    return Path(os.environ.get("PLATFORMIO_BUILD_DIR", ROOT / ".pio" / "build")) / environment / "firmware.elf"
