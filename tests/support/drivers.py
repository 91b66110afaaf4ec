"""Builds drivers of `firmware/boards` for the development machine, with a model of registers in the place of a chip."""

from collections.abc import Sequence
from pathlib import Path

from tests.support import native
from tests.support.paths import ROOT

FOLDER = Path("tests/integration/native")
MODEL = FOLDER / "register_model"
CASES = ROOT / FOLDER / "drivers"


def build(
    name: str, sources: Sequence[str | Path], *, includes: Sequence[str | Path] = (), defines: Sequence[str] = ()
) -> Path:
    """Compiles a test of a driver with the driver's sources, under sanitizers.

    Args:
      name: file name of the program.
      sources: the test, and what it tests, from the repository's root.
      includes: further folders, for example that of the board whose `board_config.h` the driver reads.
      defines: macros as ``NAME`` or ``NAME=VALUE``.

    Returns:
      Path of the program.
    """
    # The model's folder comes first: its cortex_m/access.h hides the chip's. Without optimisation they compile in a
    # fifth of the time.
    folders = [MODEL, *includes, FOLDER, "firmware/boards"]
    return native.build(name, [*sources, MODEL / "register_model.cc"], includes=folders, defines=defines, flags=["-O0"])
