"""Firmware made for a bundle, put on a board, and the board asked whether it runs the bundle's model."""

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import SettingsOrigin

from kws_host import asking, detector_settings, project
from kws_host.device import Device
from kws_host.link import Link
from kws_host.port import DEFAULT_BAUD
from kws_host.usb_boards import serial_ports

GENERATED = project.ROOT / "firmware" / "generated"
BOOT_S = 15.0
"""That a board may take from its upload to its first answer."""
_ASK_S = 0.3
_STDERR = 2  # tools tell their progress there: results are stdout's alone
_DIGEST = re.compile(r"^// model\.tflite SHA-256: ([0-9a-f]{64})$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Flashed:
    """What a board says after it was flashed.

    Attributes:
      port: where it was asked, "" where no port is known.
      answer: what it said; None: it was not asked.
      wanted_sha256: of the model that was flashed.
      keeps_settings: whether it hears by settings of the detector that it has kept, and not by those that were flashed.
    """

    port: str
    answer: asking.Answer | None
    wanted_sha256: str
    keeps_settings: bool = False

    @property
    def is_verified(self) -> bool:
        """Whether the board runs that model."""
        info = self.answer.info if self.answer else None
        return info is not None and info.model_sha256 == self.wanted_sha256


def generate(bundle: Path) -> Path:
    """Generates the C++ of a bundle. Returns its folder, one for each model.

    Raises:
      KwsError: the bundle is faulty, or cannot be generated.
    """
    digest = Bundle.load(bundle).model_sha256
    folder = project.ROOT / "build" / "flash" / digest[:16]
    command = [sys.executable, "-m", "kws_codegen.cli", "generate", str(bundle), "--out", str(folder)]
    if subprocess.run(command, check=False, stdout=_STDERR).returncode:
        raise KwsError(f"kws-codegen could not generate {bundle}; its reason stands above")
    return folder


def digest_of(generated: Path) -> str:
    """SHA-256 of the model that generated C++ is of.

    Raises:
      KwsError: the folder holds none.
    """
    path = generated / "model_info.h"
    try:
        found = _DIGEST.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None:
        raise KwsError(f"{generated} holds no C++ of kws-codegen generate: {path.name} names no model. Generate it.")
    return found[1]


def upload(environment: str, generated: Path, upload_port: str | None) -> None:
    """Builds and uploads by PlatformIO, whose output passes through; an emulated board is started.

    Raises:
      KwsError: PlatformIO is missing, or could not.
    """
    more = ["--upload-port", upload_port] if upload_port else []
    _platformio(environment, generated, "-t", "upload", *more)


def load_by_pyocd(environment: str, generated: Path, target: str, probe: str | None) -> None:
    """Builds by PlatformIO, loads by pyOCD through a CMSIS-DAP, ST-LINK or J-Link probe, and lets the board run.

    Args:
      environment: of platformio.ini.
      generated: folder of the model's C++.
      target: the chip, as pyOCD calls it.
      probe: its unique id, or None: the only one.

    Raises:
      KwsError: a tool is missing, or could not.
    """
    if importlib.util.find_spec("pyocd") is None:
        raise KwsError("pyOCD is not installed: pip install pyocd")
    _platformio(environment, generated)
    elf = project.firmware_of(environment)
    more = ["-u", probe] if probe else []
    words = [word for option in _debug_of(environment).get("pyocd_options", ()) for word in ("-O", option)]
    command = [sys.executable, "-m", "pyocd", "load", "--target", target, *words, *more, str(elf)]
    if subprocess.run(command, check=False, stdout=_STDERR).returncode:
        raise KwsError(f"pyOCD could not load {elf} into {target}; its reason stands above")


def _platformio(environment: str, generated: Path, *words: str) -> None:
    if importlib.util.find_spec("platformio") is None:
        raise KwsError(project.NO_PLATFORMIO)
    if not project.PLATFORMIO_INI.is_file():
        raise KwsError(
            f"no platformio.ini in {project.ROOT}: run from a checkout of the kit, installed with pip install -e"
        )
    command = [sys.executable, "-m", "platformio", "run", "-d", str(project.ROOT), "-e", environment, *words]
    variables = {"PLATFORMIO_CORE_DIR": str(project.ROOT / ".pio-core"), **os.environ, "KWS_GENERATED": str(generated)}
    if subprocess.run(command, env=variables, check=False, stdout=_STDERR).returncode:
        raise KwsError(f"PlatformIO could not build or upload {environment}; its reason stands above")


def pyocd_target_of(environment: str) -> str:
    """The chip of an environment's board as pyOCD calls it, as the board's file says; "" where it does not."""
    return _debug_of(environment).get("pyocd_target", "")


def _debug_of(environment: str) -> dict[str, Any]:
    """What the board's file says of probes; nothing where there is no such file."""
    try:
        manifest = json.loads((project.BOARDS / f"{environment}.json").read_text(encoding="utf-8"))
        return dict(manifest["debug"])
    except (OSError, KeyError, TypeError, ValueError):
        return {}


def port_of(environment: str) -> str:
    """Where the board of an environment answers: as platformio.ini says, or the only USB board's port; "" unknown."""
    with project.platformio_config() as config:
        port = config.get(f"env:{environment}", "monitor_port", "")
    known = [found.device for found in serial_ports() if found.board is not None]
    return port or (known[0] if len(known) == 1 else "")


def baud_of(environment: str) -> int:
    """Bits per second of the port where the board of an environment answers, as platformio.ini says."""
    with project.platformio_config() as config:
        return int(config.get(f"env:{environment}", "monitor_speed", DEFAULT_BAUD))


def verify(port: str, baud: int, wanted_sha256: str, boot_s: float = BOOT_S) -> Flashed:
    """Asks a board until it answers, or has had time enough to start.

    Args:
      port: where; "": nobody is asked.
      baud: of a hardware port.
      wanted_sha256: of the model that was flashed.
      boot_s: that it has to start.
    """
    if not port:
        return Flashed("", None, wanted_sha256)
    deadline = time.monotonic() + boot_s
    while True:
        left_s = deadline - time.monotonic()
        flashed = Flashed(port, asking.ask(port, baud, _ASK_S, left_s), wanted_sha256)
        if flashed.is_verified:
            return dataclasses.replace(flashed, keeps_settings=_keeps_settings(port, baud))
        if time.monotonic() > deadline:
            return flashed
        time.sleep(_ASK_S)


def _keeps_settings(port: str, baud: int) -> bool:
    """Whether a board that has just answered hears by kept settings. Raises: KwsError: it is gone meanwhile."""
    with Link(port, baud=baud) as link:
        held = detector_settings.held_by(Device(link))
    return held is not None and held.origin == SettingsOrigin.KEPT
