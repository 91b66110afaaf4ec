"""Programs of tests on emulated boards: compiled with the board's own flags and start-up code, run on files."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_firmware import sources
from kws_firmware.boards import FIRMWARE, load_board
from kws_host import emulator

from tests.support.native import WARNINGS
from tests.support.paths import ROOT

CXX = ["-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"]


def compile_for(
    board: str,
    own: Sequence[str | Path],
    folder: Path,
    *,
    includes: Sequence[Path] = (),
    third_party: Sequence[Path] = (),
    flags: Sequence[str] = (),
    link: Sequence[str] = (),
) -> Path:
    """Compiles C++ of ours, with our warnings as errors, and third-party C for a board.

    Args:
      board: name of a board.
      own: C++ files, absolute or relative to the repository root; the board's own are added.
      folder: for what is made.
      includes: further folders.
      third_party: C files, compiled without warnings.
      flags: further flags of the compiler.
      link: further flags of the linker.

    Returns:
      The image.
    """
    facts = load_board(board)
    headers = [*sources.include_folders(facts, folder), *includes]
    common = [*facts.arch_flags, "-O2", "-ffunction-sections", "-fdata-sections", *flags]
    common += [*(f"-I{path}" for path in headers), *(f"-D{name}={value}" for name, value in facts.macros.items())]
    objects = []
    board_files = sources.files(*(f"boards/{name}" for name in facts.folders))
    for number, source in enumerate([*(ROOT / path for path in own), *board_files, *third_party]):
        target = folder / f"{number}_{source.stem}.o"
        compiler = ["arm-none-eabi-gcc", "-w"] if source.suffix == ".c" else ["arm-none-eabi-g++", *CXX, *WARNINGS]
        subprocess.run([*compiler, *common, "-c", source, "-o", target], check=True)
        objects.append(target)
    scripts, image = FIRMWARE / "platform/ldscripts", folder / "runner.elf"
    line = ["arm-none-eabi-g++", *facts.arch_flags, "-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections"]
    line += ["-Wl,--no-warn-rwx-segments", f"-L{scripts}", f"-T{scripts / facts.linker_script}", *link]
    subprocess.run([*line, *objects, "-lm", "-lc", "-lgcc", "-o", image], check=True)
    return image


def run(board: str, image: Path, data: bytes, folder: Path) -> bytes:
    """What an image writes to its second file for the bytes of its first, on the emulated board."""
    (folder / "in").write_bytes(data)
    config = emulator.EmulatorConfig(board, image, arguments=("runner", "in", "out"))
    result = emulator.run(config, 120, cwd=folder, capture_output=True)
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr.decode()}"
    return (folder / "out").read_bytes()


def counts(board: str, declarations: Sequence[str], calls: Sequence[str], folder: Path) -> np.ndarray:
    """What calls of kernels return on the emulated board.

    Args:
      board: name of a board.
      declarations: C++ that defines what is called, its `#include` lines first; it leaves namespace ``kws::aot`` open.
      calls: expressions of int32.
      folder: for what is made.

    Returns:
      int32, one for each call.
    """
    path = folder / "counts.cc"
    lines = [
        *declarations,
        "}  // namespace kws::aot",
        "kws::Status Run(kws::semihosting::File, kws::semihosting::File out) {",
        "  using namespace kws::aot;",
        f"  static int32_t found[{len(calls)}];",
        *(f"  found[{number}] = {call};" for number, call in enumerate(calls)),
        "  return kws::semihosting::Write(out, reinterpret_cast<const uint8_t*>(found), sizeof found);",
        "}",
        "",
    ]
    path.write_text("\n".join(lines))
    image = compile_for(board, [path], folder, includes=[ROOT / "tests/integration/boards"])
    return np.frombuffer(run(board, image, b"", folder), "<i4")
