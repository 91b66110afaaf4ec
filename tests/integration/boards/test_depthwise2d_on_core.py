"""Depthwise convolutions over rows and columns of random shapes on emulated cores, and what is rare in their tables.

Trained models seldom have a factor that is exactly a half, or one below 2 ** -22: the way that computes four outputs at
once leaves such channels to another one.
"""

import random

import pytest

from tests.support import boards, cores

pytestmark = pytest.mark.qemu
SHAPES = 40
COUNTED = r"""
template <const PlaneGeometry& kG, Rounding kRounding, Clamping kClamping>
int32_t Wrong(int factor) {
  constexpr int kC = kG.in_c, kIn = kG.in_h * kG.in_w * kC, kOut = kG.out_h * kG.out_w * kC;
  constexpr OutputRange kRange = kClamping == Clamping::kInt8 ? OutputRange{-3, -128, 127} : OutputRange{-3, -20, 90};
  static_assert(kIn <= 8192 && kOut <= 8192 && Depthwise2dScratchBytes(kG) <= sizeof g_scratch);
  for (int i = 0; i < kG.kernel_w * kG.kernel_h * kC; ++i) g_weights[i] = static_cast<int8_t>(Next());
  for (int i = 0; i < kIn; ++i) g_input[i] = static_cast<int8_t>(Next() % 5 == 0 ? 127 : Next());
  for (int c = 0; c < kC; ++c) {
    const bool is_half = (factor & 1) != 0 && c % 2 == 0, is_tiny = (factor & 2) != 0 && c % 3 == 0;
    const int shift = is_tiny ? 20 + static_cast<int>(Next() % 11) : 5 + static_cast<int>(Next() % 6);
    g_table[c] = static_cast<int32_t>(Next() % 40000) - 20000;
    if ((factor & 4) != 0) {  // sums around nothing
      g_table[c] = static_cast<int32_t>(Next() % 5) - 3;
      for (int i = c; i < kG.kernel_w * kG.kernel_h * kC; i += kC) g_weights[i] = 0;
    }
    g_table[kC + c] = is_half ? INT32_C(1) << 30 : static_cast<int32_t>((1u << 30) + Next() % (1u << 30));
    g_table[2 * kC + c] = kRounding == Rounding::kFast ? ((factor & 4) != 0 ? 0 : shift) : -shift - 1;
  }
  memset(g_output, 0x55, sizeof g_output);
  memset(g_scratch, 0x77, sizeof g_scratch);
  Depthwise2d<kG, kRounding, kClamping>({g_weights, g_table}, kRange, -5, g_input, g_output, g_scratch);
  int32_t wrong = g_output[kOut] != 0x55;
  for (size_t i = Depthwise2dScratchBytes(kG); i < sizeof g_scratch; ++i) wrong += g_scratch[i] != 0x77;
  for (int y = 0; y < kG.out_h; ++y) {
    for (int x = 0; x < kG.out_w; ++x) {
      for (int c = 0; c < kC; ++c) {
        int32_t sum = g_table[c];
        for (int ky = 0; ky < kG.kernel_h; ++ky) {
          for (int kx = 0; kx < kG.kernel_w; ++kx) {
            const int row = y * kG.stride_h - kG.pad_h + ky * kG.dilation_h;
            const int column = x * kG.stride_w - kG.pad_w + kx * kG.dilation_w;
            const bool is_inside = row >= 0 && row < kG.in_h && column >= 0 && column < kG.in_w;
            const int32_t value = is_inside ? g_input[(row * kG.in_w + column) * kC + c] : -5;
            sum += value * g_weights[(kx * kG.kernel_h + ky) * kC + c];
          }
        }
        const int32_t shift = g_table[2 * kC + c];
        const int32_t scaled = Requantize(sum, g_table[kC + c], kRounding == Rounding::kFast ? -shift - 1 : shift);
        wrong += g_output[(y * kG.out_w + x) * kC + c] != Clamp(scaled - 3, kRange.min, kRange.max);
      }
    }
  }
  return wrong;
}
"""
HEAD = """
#include <cstring>
#include "engine/aot/depthwise2d.h"
#include "file_runner.h"
namespace kws::aot {
int8_t g_weights[8192];
int8_t g_input[8192];
int8_t g_output[8192 + 1];
int32_t g_table[3 * 64];
alignas(16) int8_t g_scratch[32768];
uint32_t g_state = 1;
uint32_t Next() { return (g_state = 1664525u * g_state + 1013904223u) >> 8; }
"""


def shapes():
    """Rows, columns, channels of input; kernel; rows, columns, channels of output; strides; padding; dilations."""
    numbers = random.Random(5)
    yield 25, 5, 16, 3, 3, 25, 5, 16, 1, 1, 1, 1, 1, 1  # DS-CNN's
    yield 3, 3, 8, 3, 3, 3, 3, 8, 1, 1, 1, 1, 1, 1  # fewer outputs than are computed at once
    yield 1, 3, 8, 1, 3, 1, 3, 8, 1, 1, 0, 1, 1, 1
    while True:
        kernel = [numbers.choice((1, 2, 3, 3, 3, 3, 4, 5)) for _ in range(2)]
        stride = [numbers.choice((1, 1, 1, 1, 2)) for _ in range(2)]
        size = [numbers.randint(1, 18) for _ in range(2)]
        # Columns are dilated under kernels of one row alone.
        dilation = [numbers.choice((1, 1, 1, 2)), numbers.choice((1, 2)) if kernel[0] == 1 else 1]
        covered = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        pad = [numbers.randint(0, c - 1) for c in covered]
        behind = [numbers.randint(0, c - 1) for c in covered]
        out = [(s + p + b - c) // t + 1 for s, p, b, c, t in zip(size, pad, behind, covered, stride, strict=True)]
        channels = numbers.choice((4, 8, 12, 6))
        if min(out) > 0 and size[0] * size[1] * channels <= 4000:
            yield *size, channels, *kernel, *out, channels, *stride, *pad, *dilation


def source() -> tuple[list[str], list[str]]:
    """Constants and functions, and eight calls for each shape."""
    lines, calls = [HEAD, COUNTED], []
    for number, shape in zip(range(SHAPES), shapes(), strict=False):
        lines.append(f"constexpr PlaneGeometry kShape{number} = {{{', '.join(map(str, shape))}}};")
        rounding, clamping = (
            ("kFast", "kInt8")
            if number % 4 or number < 3
            else random.Random(number).choice([("kAny", "kInt8"), ("kFast", "kRange"), ("kAny", "kRange")])
        )
        parameters = f"kShape{number}, Rounding::{rounding}, Clamping::{clamping}"
        calls += [f"Wrong<{parameters}>({factor})" for factor in range(8)]
    return lines, calls


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
def test_depthwise_of_random_planes_on_core_equals_plain_loops(board, tmp_path):
    boards.require_tools()
    wrong = cores.counts(board, *source(), tmp_path).reshape(SHAPES, 8)
    assert not wrong.any(), [
        (list(shapes_of)[:14], row) for shapes_of, row in zip(shapes(), wrong, strict=False) if row.any()
    ]
