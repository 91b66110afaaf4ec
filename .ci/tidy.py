#!/usr/bin/env python3
"""Looks through our C++ sources with clang-tidy and the checks of .clang-tidy: for the host and for two cores.

    python .ci/tidy.py              everything; exit 1 with what was found
    python .ci/tidy.py session      sources with that in their path

Each source is read as it is compiled: portable ones for the host, boards and kernels for the cores that they are for
(kernels through the generated model that calls them; not those of Helium, whose assembly clang does not read), engine
tflm on the stand-in tree of its tests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kws_codegen.render.environment import environment
from kws_codegen.render.files import contract
from kws_codegen.render.frontend_tables import tables_context
from kws_firmware.boards import load_board, load_boards
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.micro_config import MicroFrontendConfig
from kws_reference.frontend.micro_tables import MicroTables, micro_tables
from kws_reference.frontend.tables import FrontendTables, tables_of

ROOT = Path(__file__).resolve().parents[1]
TIDY = Path(sys.executable).with_name("clang-tidy")
FIRMWARE = ("firmware/include", "firmware/src", "firmware/boards", "firmware/generated")
CMSIS_NN = ("firmware/third_party/cmsis_nn/Include", "firmware/third_party/cmsis_core/Include")
FAKE_TREE = "tests/fixtures/fake_tflm_tree"
BARE = ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-DNDEBUG"]


def sources(*patterns: str, but: tuple[str, ...] = ()) -> list[str]:
    """Paths from the repository's root that match, without those with one of `but` in them."""
    found = sorted(path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern))
    return [path for path in found if not any(word in path for word in but)]


def system_includes() -> list[str]:
    """Where the ARM compiler finds the C and C++ libraries; its own headers are clang's here."""
    command = ["arm-none-eabi-g++", "-mcpu=cortex-m4", "-mthumb", "-E", "-v", "-x", "c++", os.devnull]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    except FileNotFoundError:
        sys.exit("error: arm-none-eabi-g++ is not on PATH: install it (make lint does)")
    listed = said.split("search starts here:")[-1].split("End of search list")[0].split()
    folders = dict.fromkeys(os.path.realpath(folder) for folder in listed)
    return [f"-isystem{folder}" for folder in folders if "/lib/gcc/arm-none-eabi/" not in folder.split("/include")[0]]


def core(board: str, *patterns: str, but: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """Sources for a bare board, and the flags that they are compiled with."""
    includes = [f"-I{folder}" for folder in (f"firmware/boards/{board}", *FIRMWARE)]
    flags = [*load_board(board).arch_flags, *BARE, *macros(board), *includes, *system_includes()]
    return sources(*patterns, but=but), ["--target=arm-none-eabi", *flags]


def boards() -> Iterator[tuple[list[str], list[str]]]:
    """Every folder of the boards that are compiled for a chip, once for each kind of core."""
    seen = set()
    for name, board in load_boards().items():
        if board.toolchain != "arm":
            continue
        new = [folder for folder in board.folders if (folder, board.arch_flags) not in seen]
        seen |= {(folder, board.arch_flags) for folder in new}
        yield core(name, *(f"firmware/boards/{folder}/*.cc" for folder in new))


def macros(board: str) -> list[str]:
    """What the build defines for a board."""
    return [f"-D{name}={value}" for name, value in load_board(board).macros.items()]


def tables_header(name: str, tables: FrontendTables | MicroTables) -> Path:
    """Folder of a frontend_tables.h that chooses another front end than the released model's, which is the MFCC."""
    context = {**contract(), "bundle_name": "tidy", "model_sha256": "-", **tables_context(tables)}
    folder = ROOT / "build" / "tidy" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "frontend_tables.h").write_text(environment().get_template("frontend_tables.h.j2").render(context))
    return folder


def compilations() -> list[tuple[str, list[str]]]:
    """Every source with its flags."""
    includes = [f"-I{folder}" for folder in (*FIRMWARE, *CMSIS_NN)]
    tests = [*includes, "-Ifirmware/src/engine/aot", "-Itests/integration/native/fake_model"]
    parties = ("", "/third_party", "/third_party/flatbuffers/include", "/third_party/ruy", "/third_party/gemmlowp")
    tree = [f"-isystem{FAKE_TREE}{party}" for party in parties]
    model = "tests/integration/native/register_model"
    arduino = ['-DKWS_BOARD_NAME="nano33ble"', "-DARDUINO_ARCH_MBED", "-DKWS_FAKE_CORTEX_M=4"]
    core_headers = ["-isystemtests/fixtures/fake_arduino", "-isystemtests/fixtures/fake_arduino/cmsis"]
    micro = tables_header("micro", micro_tables(MicroFrontendConfig()))
    log_mel = tables_header(
        "log_mel", tables_of(FrontendConfig("log_mel", mel_bands=40, coefficients=40, preemphasis=0.97))
    )
    kinds = [
        (sources("firmware/src/**/*.cc", but=("/tflm/", "cmsis_nn.cc", "mlperf/main.cc")), [*BARE, *includes]),
        (sources("firmware/src/frontend/**/*.cc", but=("/mfcc/",)), [f"-I{micro}", *BARE, *includes]),
        (sources("firmware/src/frontend/**/*.cc", but=("/micro/",)), [f"-I{log_mel}", *BARE, *includes]),
        (sources("firmware/src/engine/aot/cmsis_nn.cc"), [*BARE, *includes, "-D__GNUC_PYTHON__"]),
        (sources("firmware/boards/native/*.cc"), [*includes, *macros("native")]),
        (sources("firmware/src/engine/tflm/*.cc"), [*BARE, *includes, *tree, "-Wno-unused-parameter"]),
        (sources("tests/integration/native/tflm_*.cc"), [*includes, *tree]),
        (
            sources("firmware/boards/arduino/*.cc"),
            [*BARE, *(f"-I{folder}" for folder in FIRMWARE), *arduino, *core_headers],
        ),
        (
            sources("tests/integration/native/**/*.cc", but=("tflm_", "link_audio", "register_model", "/drivers/")),
            tests,
        ),
        (sources(f"{model}/*.cc"), [f"-I{model}", *tests]),
        *driver_tests(model, tests),
        core("mps2_an386", "firmware/test/*/*.cc", "firmware/generated/aot_model.cc", "firmware/src/mlperf/main.cc"),
        *boards(),
    ]
    return [(path, flags) for paths, flags in kinds for path in paths]


def driver_tests(model: str, flags: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Tests of drivers, whose names begin with the driver's folder, with the pins of one board that has it."""
    chips = {name: board for name, board in load_boards().items() if board.toolchain == "arm" and not board.is_emulated}
    for path in sources("tests/integration/native/drivers/*_test.cc"):
        fitting = [(folder, name) for name, board in chips.items() for folder in board.folders]
        fitting = [(folder, name) for folder, name in fitting if Path(path).name.startswith(f"{folder}_")]
        if not fitting:
            sys.exit(f"error: {path} begins with no folder of firmware/boards that a chip's board has. Rename it.")
        name = max(fitting, key=lambda each: len(each[0]))[1]
        includes = [f"-Ifirmware/boards/{name}", f"-I{model}", "-Itests/integration/native/drivers"]
        yield [path], [*includes, *flags, *macros(name)]


def look(job: tuple[str, list[str]]) -> str:
    """What clang-tidy finds in one source; nothing if it is tidy."""
    path, flags = job
    command = [str(TIDY), "--quiet", path, "--", "-xc++", "-std=gnu++17", "-Wall", "-Wextra", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return (done.stdout + done.stderr).replace(f"{ROOT}/", "") if done.returncode else ""


def main(words: list[str]) -> int:
    """Entry point. Returns 0, or 1 when something was found."""
    jobs = [job for job in compilations() if not words or any(word in job[0] for word in words)]
    if not jobs:
        print(
            f"error: no C++ source of ours has one of these in its path. Received: {' '.join(words)}", file=sys.stderr
        )
        return 2
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [said for said in pool.map(look, jobs) if said]
    print("".join(found), end="")
    print(f"{len(jobs)} sources, {len(found)} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
