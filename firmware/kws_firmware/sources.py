"""What a firmware is compiled from, stated once: for PlatformIO's builds and for programs that tests build themselves.

Folders are named as below `firmware`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from kws_firmware.boards import FIRMWARE, Board

STAGE_FOLDERS = ("src/frontend", "src/detector", "src/link")
APPLICATIONS = ("app", "mlperf")  # what has a main(): the kit's own, and the client of MLPerf Tiny's runner
ENGINES = ("aot", "tflm")
FRAMEWORK_BOARDS = ("arduino",)  # folders of `boards` that any board under a framework is made of
CMSIS_NN_WRAPPER = "src/engine/aot/cmsis_nn.cc"


def engine_folder(engine: str) -> str:
    """Folder of an engine, one of `ENGINES`."""
    return f"src/engine/{engine}"


def application_folder(application: str) -> str:
    """Folder of an application, one of `APPLICATIONS`."""
    return f"src/{application}"


def folders(board: Board, engine: str, application: str | None = "app") -> tuple[str, ...]:
    """Folders whose C++ makes the firmware, without the generated one.

    Args:
      board: whose folders take part.
      engine: one of `ENGINES`.
      application: one of `APPLICATIONS`; None for a test's program, which has a main() of its own.
    """
    app = (application_folder(application),) if application else ()
    return (*STAGE_FOLDERS, *app, *(f"boards/{name}" for name in board.folders), engine_folder(engine))


def source_filter(names: Iterable[str], without: Sequence[str] = ()) -> str:
    """Folders, less some files, in PlatformIO's notation."""
    return " ".join(["-<*>", *(f"+<{name}/>" for name in names), *(f"-<{name}>" for name in without)])


def generated_filter(engine: str) -> str:
    """The generated C++ that belongs to an engine, in PlatformIO's notation."""
    return " ".join(["+<*.cc>", *(f"-<{other}_model.cc>" for other in ENGINES if other != engine)])


def files(*names: str, firmware: Path = FIRMWARE) -> list[Path]:
    """C++ of some folders, sorted in each."""
    return [path for name in names for path in sorted((firmware / name).rglob("*.cc"))]


def generated_files(model: Path, engine: str) -> list[Path]:
    """The generated C++ that belongs to an engine, sorted."""
    others = {f"{other}_model.cc" for other in ENGINES if other != engine}
    return [path for path in sorted(model.glob("*.cc")) if path.name not in others]


def include_folders(board: Board, model: Path, firmware: Path = FIRMWARE) -> list[Path]:
    """Folders that our own sources and the generated ones include from."""
    return [firmware / "include", firmware / "boards" / board.folders[-1], firmware / "boards", firmware / "src", model]


def uses_cmsis_nn(model: Path) -> bool:
    """Whether the generated engine `aot` calls kernels of CMSIS-NN."""
    path = model / "aot_model.cc"
    return path.is_file() and '"engine/aot/cmsis_nn.h"' in path.read_text(encoding="utf-8")


def cmsis_nn_folder(firmware: Path = FIRMWARE) -> Path:
    """Folder of CMSIS-NN's sources, which `make sources` unpacks."""
    return firmware / "third_party" / "cmsis_nn" / "Source"


def cmsis_nn_includes(firmware: Path = FIRMWARE) -> list[Path]:
    """Folders that CMSIS-NN, and what calls it, include from."""
    return [firmware / "third_party" / name / "Include" for name in ("cmsis_nn", "cmsis_core")]


def web_files(model: Path, firmware: Path = FIRMWARE) -> list[Path]:
    """C and C++ of the pipeline for a web page: stages and `Pipeline`, without link, board and session.

    Args:
      model: folder of the generated C++.
      firmware: the project's folder of that name.
    """
    kernels = uses_cmsis_nn(model)
    engine = [path for path in files(engine_folder("aot"), firmware=firmware) if kernels or path.name != "cmsis_nn.cc"]
    wired = [firmware / "src/app/pipeline.cc", firmware / "src/link/crc32.cc"]
    ours = [*files("src/web", "src/frontend", "src/detector", firmware=firmware), *wired, *engine]
    return [*ours, *generated_files(model, "aot"), *(sorted(cmsis_nn_folder(firmware).rglob("*.c")) if kernels else ())]


HOST_CMSIS_NN_MACROS = {"__GNUC_PYTHON__": "1", "__RESTRICT": "__restrict__"}
"""CMSIS-NN's plain C on the development machine: what its own bindings for Python are compiled with."""
