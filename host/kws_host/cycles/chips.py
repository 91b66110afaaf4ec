"""The chips of the boards' files, as far as cycles ask: core, clock and flash."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_host import project

_CORE = "-mcpu="


@dataclasses.dataclass(frozen=True)
class Flash:
    """Memory that code and weights lie in, slower than the core (``kws.flash`` of a board's file).

    Attributes:
      wait_states: cycles that the core waits for a line that is nowhere else, at the board's clock; 0: never.
      line_bytes: that one read brings.
      code_lines: of the cache of instructions, least recently used out first; 0: only the line that was read last.
      prefetch: whether the next line is read while the core executes one.
    """

    wait_states: int
    line_bytes: int = 16
    code_lines: int = 0
    prefetch: bool = False

    def __post_init__(self) -> None:
        if self.wait_states < 0 or self.line_bytes < 4 or self.code_lines < 0:
            raise KwsError(
                f"kws.flash has wait_states and code_lines of at least 0, line_bytes of at least 4. Received: {self}."
            )


@dataclasses.dataclass(frozen=True)
class Chip:
    """One board's chip.

    Attributes:
      board: name of the board.
      core: as the compiler calls it (``-mcpu=`` of the file's flags); "" where nobody says.
      clock_hz: of the core.
      flash: None where the file does not describe it.
    """

    board: str
    core: str
    clock_hz: int
    flash: Flash | None


def chips(folder: Path = project.BOARDS) -> list[Chip]:
    """Chips of all boards that have a clock, by name.

    Raises:
      KwsError: a board's file describes its flash with a field that nobody knows, or without `wait_states`.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        file: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        build = file["build"]
        cores = [flag.removeprefix(_CORE) for flag in build.get("arch_flags", ()) if flag.startswith(_CORE)]
        clock_hz = int(build["f_cpu"].rstrip("L"))
        flash = file.get("kws", {}).get("flash")
        try:
            described = None if flash is None else Flash(**flash)
        except TypeError as error:
            raise KwsError(f"{path}: kws.flash is not understood: {error}.") from None
        if clock_hz:
            found.append(Chip(path.stem, cores[0] if cores else "", clock_hz, described))
    return found
