"""The list of boards: one JSON file each in `firmware/platform/boards`, which PlatformIO reads too.

A file has PlatformIO's own fields and these of ours:

    kws.core                    the core as tables name it
    kws.flash                   for `kws-host bench --cycles`, where it is slower than the core: `wait_states` at the
                                core's clock, `line_bytes` of one read, `code_lines` of the cache, `prefetch`
                                (kws_host/cycles/chips.py)
    build.f_cpu                 clock of the core and of the counter that `Ticks()` reads, Hz
    build.shared_folders        folders of `firmware/boards` that the board is made of besides its own
    build.toolchain             "arm" (if missing) or "host"
    emulator                    what QEMU has to know, where there is an emulated machine: `machine`, `serial_index`
                                and `icount_shift` (an instruction takes 2 ** icount_shift ns)
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FIRMWARE = Path(__file__).resolve().parents[1]
FOLDER = FIRMWARE / "platform" / "boards"


@dataclasses.dataclass(frozen=True)
class Board:
    """One board.

    Attributes:
      name: of its file; if that is ours, of its folder in `firmware/boards` and its environment in platformio.ini, too.
      core: as tables name it.
      clock_hz: of the core; 0 where it is nobody's business.
      toolchain: ``"arm"`` or ``"host"``.
      arch_flags: of the compiler.
      linker_script: in `firmware/platform/ldscripts`; "" for none.
      shared_folders: of `firmware/boards`, besides the board's own.
      icount_shift: an emulated instruction takes ``2 ** icount_shift`` nanoseconds; None without an emulator.
      folder: its own in `firmware/boards`; "" for that of its name.
    """

    name: str
    core: str
    clock_hz: int
    toolchain: str
    arch_flags: tuple[str, ...]
    linker_script: str
    shared_folders: tuple[str, ...]
    icount_shift: int | None
    folder: str = ""

    @classmethod
    def from_manifest(cls, name: str, manifest: Mapping[str, Any], folder: str = "") -> "Board":
        """Board of a file's contents. Fields of ours may be missing: a vendor's file knows nothing of them."""
        build, emulator = manifest["build"], manifest.get("emulator")
        return cls(
            name=name,
            core=manifest.get("kws", {}).get("core", ""),
            clock_hz=int(str(build.get("f_cpu", "0")).rstrip("L")),
            toolchain=build.get("toolchain", "arm"),
            arch_flags=tuple(build.get("arch_flags", ())),
            linker_script=build.get("ldscript", ""),
            shared_folders=tuple(build.get("shared_folders", ())),
            icount_shift=int(emulator["icount_shift"]) if emulator else None,
            folder=folder,
        )

    @property
    def is_emulated(self) -> bool:
        """Whether QEMU has the board."""
        return self.icount_shift is not None

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of `firmware/boards` that the board is compiled from, its own last."""
        return (*self.shared_folders, self.folder or self.name)

    @property
    def macros(self) -> dict[str, str]:
        """What the board's C++ is told of its file, see `firmware/boards/cortex_m/board_facts.h`."""
        macros = {"KWS_BOARD_NAME": f'"{self.name}"', "KWS_CLOCK_HZ": f"{self.clock_hz}u"}
        if self.icount_shift is not None:
            macros["KWS_ICOUNT_SHIFT"] = str(self.icount_shift)
        if self.toolchain == "host":
            macros["KWS_BOARD_HAS_MAIN"] = "1"
        return macros


def load_boards(folder: Path = FOLDER) -> dict[str, Board]:
    """All boards by name, sorted.

    Raises:
      ValueError: a file cannot be read as a board's.
    """
    boards = {}
    for path in sorted(folder.glob("*.json")):
        try:
            boards[path.stem] = Board.from_manifest(path.stem, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no board's file: {error!r}") from error
    return boards


def load_board(name: str, folder: Path = FOLDER) -> Board:
    """One board.

    Raises:
      ValueError: there is no such board; the message names those that there are.
    """
    boards = load_boards(folder)
    if name not in boards:
        raise ValueError(f"the boards are {', '.join(boards)}. Received: {name!r}")
    return boards[name]


def emulated_boards() -> dict[str, Board]:
    """Boards that QEMU has, by name."""
    return {name: board for name, board in load_boards().items() if board.is_emulated}
