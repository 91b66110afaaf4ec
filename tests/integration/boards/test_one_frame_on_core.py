"""Rows of weights and one frame on emulated cores: layers with one frame, and the dot products of SVDF and LSTM.

The weights are constants, since a core's arrangement of them is made by the compiler.
"""

import numpy as np
import pytest

from tests.support import boards, cores

pytestmark = pytest.mark.qemu

SHAPES = [  # inputs, outputs
    *((inputs, 16) for inputs in (1, 3, 4, 5, 8, 12, 16, 20, 28, 31, 32, 36, 40, 64, 100, 128, 256, 260, 508, 512)),
    (12, 2),
    (12, 3),
    (20, 14),
    (24, 18),
    (36, 33),
    (40, 64),
]
KINDS = ("any", "extreme", "not to be paired")
COUNTED = r"""
template <int kInputs, int kOutputs, const auto& kRows>
int32_t Wrong() {
  using Rows = WeightRows<kInputs, kOutputs, kRows>;
  constexpr OutputRange kRange = {-3, -128, 127};
  int32_t wrong = 0;
  for (int trial = 0; trial < 4; ++trial) {
    for (int i = 0; i < kInputs; ++i) {
      g_input[i] = static_cast<int8_t>(trial == 0 ? -128 : (trial == 1 ? 127 : Next()));
    }
    for (int o = 0; o < kOutputs; ++o) {
      g_table[o] = static_cast<int32_t>(Next() << 7) / 4;
      g_table[kOutputs + o] = static_cast<int32_t>((1u << 30) + Next() % (1u << 30));
      g_table[2 * kOutputs + o] = static_cast<int32_t>(Next() % 20);
    }
    memset(g_scratch, 0x77, sizeof g_scratch);
    int next = 0;
    DotRows<kInputs, kOutputs, Rows::kPaired>(Rows::Data(), g_table, g_input, g_scratch, [&](int o, int32_t sum) {
      wrong += o != next++ || sum != Sum<kInputs>(kRows, o);
    });
    wrong += next != kOutputs;
    for (size_t i = DotRowsScratchBytes(kInputs); i < sizeof g_scratch; ++i) wrong += g_scratch[i] != 0x77;
    memset(g_output, 0x55, sizeof g_output);
    Pointwise<kInputs, kOutputs, 1, Rounding::kFast, Clamping::kInt8, Rows::kPaired>(
        {Rows::Data(), g_table}, kRange, g_input, kInputs, g_output, g_scratch);
    wrong += g_output[kOutputs] != 0x55;
    for (size_t i = PointwiseScratchBytes(kInputs, 1); i < sizeof g_scratch; ++i) wrong += g_scratch[i] != 0x77;
    for (int o = 0; o < kOutputs; ++o) {
      const int32_t scaled = Requantize(Sum<kInputs>(kRows, o), g_table[kOutputs + o], -g_table[2 * kOutputs + o] - 1);
      wrong += g_output[o] != Clamp(scaled - 3, -128, 127);
    }
  }
  return wrong;
}

// Factors and values of all sizes, and the ties among them.
int32_t WrongScales() {
  int32_t wrong = 0;
  for (int32_t shift = -31; shift <= 30; ++shift) {
    for (int trial = 0; trial < 400; ++trial) {
      const Factor factor = {static_cast<int32_t>((1u << 30) + (trial % 3 == 0 ? 0 : Next() % (1u << 30))), shift};
      uint32_t value = Next() ^ (Next() << 9);
      if (trial % 5 == 0) value = uint32_t{1} << (Next() % 32);
      if (trial % 7 == 0) value = trial % 2 == 0 ? 0x7FFFFFFFu - Next() % 3 : 0x80000000u + Next() % 3;
      if (trial % 11 == 0) value = 0u - value;
      const Scale<Rounding::kAny> scale(factor);
      const auto signed_value = static_cast<int32_t>(value);
      wrong += scale(signed_value) != Requantize(signed_value, factor.multiplier, factor.shift);
    }
  }
  return wrong;
}
"""
HEAD = """
#include <cstring>
#include "engine/aot/dot_rows.h"
#include "engine/aot/pointwise.h"
#include "engine/aot/scale.h"
#include "file_runner.h"
namespace kws::aot {
int8_t g_input[512];
int8_t g_output[64 + 1];
int32_t g_table[3 * 64];
alignas(16) int8_t g_scratch[4096];
uint32_t g_state = 1;
uint32_t Next() { return (g_state = 1664525u * g_state + 1013904223u) >> 8; }

template <int kInputs>
int32_t Sum(const int8_t* rows, int o) {
  int32_t sum = g_table[o];
  for (int i = 0; i < kInputs; ++i) sum += rows[o * kInputs + i] * g_input[i];
  return sum;
}
"""


def rows(kind: str, inputs: int, outputs: int) -> np.ndarray:
    """int8 ``[outputs, inputs]``; where rows can be paired, no -128 stands under a negative weight."""
    rng = np.random.default_rng([KINDS.index(kind), inputs, outputs])
    values = rng.integers(-128, 128, (outputs, inputs))
    values[1::2] = np.maximum(values[1::2], -127)
    if kind == "extreme":
        values = rng.choice([-127, 127], (outputs, inputs))
        values[0::4], values[2::4] = -128, 127
        values[0], values[1] = 127, -128  # times -128: the largest sum of a row that stands second
    if kind == "not to be paired":
        values[:2, 0] = -1, -128
    return values


def source() -> tuple[list[str], list[str]]:
    """Constants and functions, and a call for each kind of each shape."""
    lines, calls = [HEAD, COUNTED], []
    for inputs, outputs in SHAPES:
        for kind in KINDS:
            name = f"kRows{len(calls)}"
            values = ", ".join(map(str, rows(kind, inputs, outputs).reshape(-1)))
            lines.append(f"alignas(16) constexpr int8_t {name}[] = {{{values}}};")
            if kind != KINDS[-1] and inputs % 4 == 0 and inputs <= 508 and outputs % 2 == 0:
                holds = f"static_assert(WeightRows<{inputs}, {outputs}, {name}>::kPaired);"
                lines += ["#if defined(KWS_AOT_DSP)", holds, "#endif"]
            calls.append(f"Wrong<{inputs}, {outputs}, {name}>()")
    return lines, calls


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
def test_one_frame_on_core_equals_plain_loops(board, tmp_path):
    boards.require_tools()
    lines, calls = source()
    wrong = cores.counts(board, lines, [*calls, "WrongScales()"], tmp_path)
    assert wrong[-1] == 0, "factors"
    of_shapes = wrong[:-1].reshape(len(SHAPES), len(KINDS))
    assert not of_shapes.any(), [(shape, row) for shape, row in zip(SHAPES, of_shapes, strict=True) if row.any()]
