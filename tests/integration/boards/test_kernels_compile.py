"""The kernels' assembly compiles for every core, whatever the optimisation, and wherever it is inlined."""

import itertools
import shutil
import subprocess

import pytest
from kws_firmware.boards import load_board

from tests.support.native import WARNINGS
from tests.support.paths import ROOT

# Every assembly block, at the ends of its range of shapes; constant tables and ranges, so that the compiler knows most.
# The first two with every way to finish: `Step` of a network with two outputs did not compile with some.
POINTWISE = [
    *4 * [(20, 2, 4)],
    *4 * [(20, 2, 5)],
    *4 * [(20, 2, 6)],
    (36, 2, 3),
    (4092, 2, 3),
    (12, 4, 3),
    (64, 6, 2),
    (256, 4, 2),
    (4092, 2, 2),
    (4096, 2, 2),
    (256, 16, 1),
    (20, 16, 1),
    (8, 16, 1),
]
# Rows of weights that lie in pairs, where SMLAD multiplies.
PAIRED = [
    *4 * [(20, 2, 4)],
    *4 * [(20, 2, 5)],
    *4 * [(36, 6, 1)],
    (508, 2, 3),
    (504, 4, 2),
    (12, 10, 1),
    (4, 16, 1),
    (8, 16, 1),
    (12, 18, 1),
    (40, 16, 1),
    (508, 16, 1),
]
DEPTHWISE = [(4, 2, 4, 4, 2), (8, 13, 16, 8, 3), (12, 31, 12, 24, 2), (16, 33, 16, 16, 4), (128, 64, 128, 128, 2)]
# Rows, columns and channels of input; kernel; rows, columns and channels of output; strides; padding; dilations.
CONV_2D = [
    (10, 10, 1, 4, 3, 10, 5, 8, 1, 2, 1, 0, 1, 1),
    (9, 9, 8, 3, 3, 5, 5, 6, 2, 2, 1, 1, 1, 1),
    (8, 8, 16, 5, 5, 8, 8, 12, 1, 1, 2, 2, 1, 1),
    (8, 8, 3, 2, 2, 6, 6, 5, 1, 1, 0, 0, 2, 2),
]
DEPTHWISE_2D = [
    (12, 5, 8, 3, 3, 12, 5, 8, 1, 1, 1, 1, 1, 1),
    (12, 6, 12, 5, 4, 6, 3, 12, 2, 2, 2, 1, 1, 1),
    (5, 9, 4, 2, 2, 5, 9, 4, 1, 1, 0, 0, 1, 1),
    (6, 6, 6, 3, 3, 6, 6, 6, 1, 1, 1, 1, 2, 1),
    (1, 20, 8, 1, 3, 1, 20, 8, 1, 1, 0, 4, 1, 4),
]
FINISH = list(itertools.product(("kFast", "kAny"), ("kInt8", "kRange")))

BUILDS = [
    ("mps2_an386", "-O0"),
    ("mps2_an386", "-Os"),
    ("mps2_an386", "-O2"),
    ("mps2_an386", "-O3 -funroll-all-loops"),
    ("mps2_an386", "-O2 -fno-omit-frame-pointer"),
    ("mps2_an500", "-O2 -flto -ffat-lto-objects"),
    ("mps2_an500", "-O1 -finstrument-functions"),
    ("mps3_an547", "-O0"),
    ("mps3_an547", "-O3"),
    ("mps3_an547", "-O2 -fno-omit-frame-pointer"),
]

HEADERS = ("pointwise", "pointwise_int4", "depthwise", "depthwise_int4", "conv2d", "depthwise2d")


def source():
    """Each kernel in a function of its own, as `Step` of a small network holds it, and all of them in one."""
    lines = [
        *(f'#include "engine/aot/{name}.h"' for name in HEADERS),
        "using namespace kws::aot;",
        "alignas(16) const int8_t kWeights[8192 * 8] = {1, 2, 3};",
        "alignas(16) const int32_t kTable[3 * 128] = {1, 2, 3};",
        "alignas(16) constexpr int8_t kRows[20 * 2] = {1, 2, 3};",
        "alignas(16) int8_t g_scratch[65536];",
        "#if defined(KWS_AOT_DSP)",
        "constexpr bool kDsp = true;",
        "static_assert(WeightRows<20, 2, kRows>::kPaired);",
        "#else",
        "constexpr bool kDsp = false;",
        "#endif",
    ]
    calls = []
    shapes = [(f"Pointwise{kind}", shape) for kind, shape in itertools.product(("", "Int4"), POINTWISE)]
    shapes += [(f"Depthwise{kind}", shape) for kind, shape in itertools.product(("", "Int4"), DEPTHWISE)]
    shapes += [("Pointwise, paired", shape) for shape in PAIRED]
    for number, (kernel, shape) in enumerate(shapes):
        rounding, clamping = FINISH[number % len(FINISH)]
        limits = "-128, 127" if clamping == "kInt8" else "-3, 100"
        arguments = f"{shape[0]}, y, g_scratch" if kernel.startswith("Pointwise") else "y"
        kernel, _, paired = kernel.partition(", ")
        parameters = f"{', '.join(map(str, shape))}, Rounding::{rounding}, Clamping::{clamping}"
        parameters += f", {'WeightRows<20, 2, kRows>::kPaired' if shape[0] == 20 else 'kDsp'}" if paired else ""
        calls.append(f"  {kernel}<{parameters}>({{kWeights, kTable}}, {{-3, {limits}}}, x, {arguments});")
        lines.append(f"void Step{number}(const int8_t* x, int8_t* y) {{\n{calls[-1]}\n}}")
    planes = [("Conv2d", shape) for shape in CONV_2D] + [("Depthwise2d", shape) for shape in DEPTHWISE_2D]
    for number, (kernel, shape) in enumerate(planes):
        rounding, clamping = FINISH[number % len(FINISH)]
        limits = "-128, 127" if clamping == "kInt8" else "-3, 100"
        lines.append(f"constexpr PlaneGeometry kPlane{number} = {{{', '.join(map(str, shape))}}};")
        parameters = f"kPlane{number}, Rounding::{rounding}, Clamping::{clamping}"
        calls.append(f"  {kernel}<{parameters}>({{kWeights, kTable}}, {{-3, {limits}}}, -3, x, y, g_scratch);")
        lines.append(f"void Plane{number}(const int8_t* x, int8_t* y) {{\n{calls[-1]}\n}}")
    return "\n".join([*lines, "void All(const int8_t* x, int8_t* y) {", *calls, "}", ""])


@pytest.mark.parametrize("board, flags", BUILDS, ids=str)
def test_kernels_of_every_shape_compile(board, flags, tmp_path):
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("missing: arm-none-eabi-g++")
    (tmp_path / "kernels.cc").write_text(source())
    command = [
        "arm-none-eabi-g++",
        "-std=gnu++17",
        *WARNINGS,
        "-fno-exceptions",
        "-fno-rtti",
        *load_board(board).arch_flags,
    ]
    command += [*flags.split(), f"-I{ROOT / 'firmware/src'}", f"-I{ROOT / 'firmware/include'}"]
    # Assembled too: branches and constants must reach over what .rept unrolls.
    command += ["-c", tmp_path / "kernels.cc", "-o", tmp_path / "kernels.o"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, "\n".join(line for line in result.stderr.splitlines() if "rror" in line)[:2000]
