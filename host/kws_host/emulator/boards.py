"""What QEMU has to know about a board, from the board's own file in `firmware/platform/boards`."""

import dataclasses
import json
from pathlib import Path

from kws_reference.errors import KwsError

from kws_host import project


@dataclasses.dataclass(frozen=True)
class BoardFacts:
    """What the emulator has to know about a board.

    Attributes:
      name: the board's name, for example `mps2_an386`.
      machine: QEMU's name of the machine.
      serial_index: number of the firmware's serial port among the machine's; the ports before it are left open.
      icount_shift: one instruction takes 2 ** icount_shift nanoseconds of virtual time.
      clock_hz: of the chip's core.
    """

    name: str
    machine: str
    serial_index: int
    icount_shift: int
    clock_hz: int


def emulated_boards(folder: Path = project.BOARDS) -> list[str]:
    """Names of the boards that can be emulated, sorted."""
    return [path.stem for path in sorted(folder.glob("*.json")) if "emulator" in _read(path)]


def board_facts(name: str, folder: Path = project.BOARDS, platformio_ini: Path = project.PLATFORMIO_INI) -> BoardFacts:
    """Reads one board's facts.

    Args:
      name: a board, or else an environment of the project, which stands for its board.
      folder: of the boards' files.
      platformio_ini: the project; read, by PlatformIO, only when no board is called so.

    Raises:
      KwsError: there is no such board or environment, or it has no emulated machine.
    """
    path, is_known = folder / f"{name}.json", True
    if not path.is_file():
        known = project.environments(platformio_ini)
        path, is_known = folder / f"{known.get(name, name)}.json", name in known
    file = _read(path) if path.is_file() else {}
    facts = file.get("emulator")
    if facts is None:
        can = ", ".join(_emulated_names(folder, platformio_ini))
        can = can or f"none: {folder} holds no board files; run from a checkout of the kit"
        if is_known:
            raise KwsError(f"board {name!r} cannot be emulated; boards that can: {can}")
        raise KwsError(f"unknown board {name!r}; boards that can be emulated: {can}")
    clock_hz = int(file["build"]["f_cpu"].rstrip("L"))
    return BoardFacts(path.stem, facts["machine"], int(facts["serial_index"]), int(facts["icount_shift"]), clock_hz)


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _emulated_names(folder: Path, platformio_ini: Path) -> list[str]:
    """Boards and environments whose firmware can be emulated, sorted."""
    boards = emulated_boards(folder)
    environments = project.environments(platformio_ini)
    return sorted({*boards, *(name for name, board in environments.items() if board in boards)})
