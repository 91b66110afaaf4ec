// Depthwise convolution over rows and columns with SMLAD, which wants two taps of one channel beside each other: four
// channels at a time become planes of int16, one for each, in which neighbours along one axis, the walk, are a word.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/instructions.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/plane.h"
#include "engine/aot/requantize.h"

namespace kws::aot::internal {

#if defined(KWS_AOT_DSP)

// One axis of the plane; steps in elements of input, output and weights [kernel_w][kernel_h][in_c].
struct PlaneAxis {
  int in, kernel, out, stride, pad, dilation;
  int in_step, out_step, tap_step;

  // Positions that so many outputs cover.
  constexpr int Covered(int outputs) const { return (outputs - 1) * stride + (kernel - 1) * dilation + 1; }
  constexpr bool CanBeWalked() const { return dilation == 1 && kernel >= 2; }
  // What a line costs, in outputs: without a stride two are computed at once, with one each costs as much as two.
  constexpr int Computed() const { return stride == 1 ? (out + 1) / 2 * 2 : 2 * out; }
};

constexpr PlaneAxis Rows(const PlaneGeometry& g) {
  return {g.in_h, g.kernel_h, g.out_h, g.stride_h, g.pad_h, g.dilation_h, g.in_w * g.in_c, g.out_w * g.in_c, g.in_c};
}
constexpr PlaneAxis Columns(const PlaneGeometry& g) {
  return {g.in_w, g.kernel_w, g.out_w, g.stride_w, g.pad_w, g.dilation_w, g.in_c, g.in_c, g.kernel_h * g.in_c};
}

// How a plane is walked through: lines of the walk lie beside each other, as many as the working memory holds.
struct PlaneWalk {
  PlaneAxis walk, lines;
  int pitch;  // int16 elements of a line, an even number
  int chunk;  // lines of outputs that are computed at once; 0: this way cannot be gone
  int plane;  // int16 elements from one channel to the next
};

constexpr PlaneWalk PlanWalk(const PlaneAxis& walk, const PlaneAxis& lines, size_t bytes) {
  PlaneWalk plan = {walk, lines, 0, 0, 0};
  if (!walk.CanBeWalked()) return plan;
  // Words are read whole: the last one may reach one element further than the kernel.
  plan.pitch = (walk.Covered(walk.out) + 2) / 2 * 2;
  for (int outputs = 1; outputs <= lines.out; ++outputs) {
    const int covered = lines.Covered(outputs);
    if (static_cast<size_t>(covered * plan.pitch) * 4 * sizeof(int16_t) > bytes) break;
    plan.chunk = outputs;
    plan.plane = covered * plan.pitch;
  }
  return plan;
}

constexpr PlaneWalk PlanWalk(const PlaneGeometry& g, size_t bytes) {
  const PlaneWalk by_rows = PlanWalk(Rows(g), Columns(g), bytes), by_columns = PlanWalk(Columns(g), Rows(g), bytes);
  if (by_rows.chunk == 0 || by_columns.chunk == 0) return by_rows.chunk == 0 ? by_columns : by_rows;
  return g.out_w * Rows(g).Computed() < g.out_h * Columns(g).Computed() ? by_rows : by_columns;
}

inline void StorePair(int16_t* to, uint32_t pair) { __builtin_memcpy(to, &pair, sizeof pair); }
inline uint32_t LoadPair(const int16_t* from) {
  uint32_t pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return pair;
}

template <int kCount>
inline void FillLine(int32_t value, int16_t* to) {
  static_assert(kCount % 2 == 0);
  const uint32_t pair = PackLow(static_cast<uint32_t>(value), static_cast<uint32_t>(value));
  for (int i = 0; i < kCount; i += 2) StorePair(to + i, pair);
}

// Four channels of a line of input into their planes.
template <const PlaneWalk& kPlan>
inline void SpreadLine(const int8_t* from, int16_t* to) {
  constexpr int kStep = kPlan.walk.in_step, kPlane = kPlan.plane;
  constexpr int kRoom = kPlan.walk.Covered(kPlan.walk.out) - kPlan.walk.pad;
  constexpr int kUsed = kRoom < kPlan.walk.in ? kRoom : kPlan.walk.in;
  int i = 0;
  for (; i + 2 <= kUsed; i += 2, from += 2 * kStep, to += 2) {
    const uint32_t a = LoadWord(from), b = LoadWord(from + kStep);
    const uint32_t even_a = ExtendEven(a), odd_a = ExtendOdd(a), even_b = ExtendEven(b), odd_b = ExtendOdd(b);
    StorePair(to, PackLow(even_a, even_b));
    StorePair(to + kPlane, PackLow(odd_a, odd_b));
    StorePair(to + 2 * kPlane, PackHigh(even_a, even_b));
    StorePair(to + 3 * kPlane, PackHigh(odd_a, odd_b));
  }
  if constexpr (kUsed % 2 != 0) {
    for (int c = 0; c < 4; ++c) to[c * kPlane] = from[c];
  }
}

// Weights of one channel as words of neighbours along the walk: from the first tap on, and from the second one on.
template <int kLines, int kTaps>
struct WeightPairs {
  static constexpr int kHalf = kTaps / 2;
  uint32_t even[kLines][kHalf];               // {w[2m], w[2m + 1]}
  uint32_t odd[kLines][(kTaps - 1) / 2 + 1];  // {w[2m + 1], w[2m + 2]}

  WeightPairs(const int8_t* weights, int line_step, int tap_step) {
    for (int y = 0; y < kLines; ++y, weights += line_step) {
      for (int m = 0; m < kHalf; ++m) {
        even[y][m] = Pair(weights[2 * m * tap_step], weights[(2 * m + 1) * tap_step]);
      }
      for (int m = 0; 2 * m + 2 < kTaps; ++m) {
        odd[y][m] = Pair(weights[(2 * m + 1) * tap_step], weights[(2 * m + 2) * tap_step]);
      }
    }
  }

 private:
  static uint32_t Pair(int32_t low, int32_t high) {
    return static_cast<uint32_t>(high) << 16 | static_cast<uint16_t>(low);
  }
};

// One output whose kernel begins at `x`, and the next one if kTwo. The products of a word for both are one block, or
// the compiler sums one output after the other and loads weights and words twice.
template <bool kTwo, int kLineStep, int kLines, int kTaps>
inline __attribute__((always_inline)) void MultiplyLines(const WeightPairs<kLines, kTaps>& weights, const int16_t* x,
                                                         int32_t& first, int32_t& second) {
  constexpr int kHalf = kTaps / 2;
#pragma GCC unroll 16
  for (int y = 0; y < kLines; ++y) {
    const int16_t* line = x + y * kLineStep;
#pragma GCC unroll 16
    for (int m = 0; m < kHalf; ++m) {
      const uint32_t word = LoadPair(line + 2 * m), even = weights.even[y][m];
      if constexpr (!kTwo) {
        first = MultiplyPairs(word, even, first);
      } else if (m == 0) {
        __asm("smlad %0, %2, %3, %0\nsmlatb %1, %2, %3, %1" : "+&r"(first), "+r"(second) : "r"(word), "r"(even));
      } else {
        __asm("smlad %0, %2, %3, %0\nsmlad %1, %2, %4, %1"
              : "+&r"(first), "+r"(second)
              : "r"(word), "r"(even), "r"(weights.odd[y][m - 1]));
      }
    }
    if constexpr (kTaps % 2 != 0) {
      const uint32_t word = LoadPair(line + 2 * kHalf), odd = weights.odd[y][kHalf - 1];
      if constexpr (kTwo) {
        __asm("smlabt %0, %2, %3, %0\nsmlad %1, %2, %3, %1" : "+&r"(first), "+r"(second) : "r"(word), "r"(odd));
      } else {
        first = MultiplyLowByHigh(word, odd, first);
      }
    } else if constexpr (kTwo) {
      second = MultiplyLowByHigh(LoadPair(line + 2 * kHalf), weights.even[y][kHalf - 1], second);
    }
  }
}

// Some lines of outputs of one channel from its plane.
template <const PlaneWalk& kPlan, Rounding kRounding, Clamping kClamping>
inline void DepthwisePlane(const int8_t* weights, const int32_t* row, int channels, OutputRange range,
                           const int16_t* plane, int lines, int8_t* output) {
  constexpr int kOut = kPlan.walk.out, kStride = kPlan.walk.stride, kOutStep = kPlan.walk.out_step;
  constexpr int kLineStep = kPlan.lines.dilation * kPlan.pitch;
  constexpr int kPaired = kStride == 1 ? kOut / 2 * 2 : 0;
  const WeightPairs<kPlan.lines.kernel, kPlan.walk.kernel> pairs(weights, kPlan.lines.tap_step, kPlan.walk.tap_step);
  const int32_t bias = row[0], multiplier = row[channels], shift = row[2 * channels];
  for (; lines > 0; --lines, plane += kPlan.lines.stride * kPlan.pitch, output += kPlan.lines.out_step) {
    const int16_t* x = plane;
    int8_t* to = output;
    for (int i = 0; i < kPaired; i += 2, x += 2, to += 2 * kOutStep) {
      int32_t first = bias, second = bias;
      MultiplyLines<true, kLineStep>(pairs, x, first, second);
      to[0] = Finish<kRounding, kClamping>(first, multiplier, shift, range);
      to[kOutStep] = Finish<kRounding, kClamping>(second, multiplier, shift, range);
    }
    for (int i = kPaired; i < kOut; ++i, x += kStride, to += kOutStep) {
      int32_t first = bias, second = 0;
      MultiplyLines<false, kLineStep>(pairs, x, first, second);
      to[0] = Finish<kRounding, kClamping>(first, multiplier, shift, range);
    }
  }
}

// All lines of four channels.
template <const PlaneWalk& kPlan, Rounding kRounding, Clamping kClamping>
inline void DepthwiseFourPlanes(const int8_t* weights, const int32_t* row, int channels, OutputRange range,
                                int8_t padding, const int8_t* input, int8_t* output, int16_t* planes) {
  constexpr const PlaneAxis& kLines = kPlan.lines;
  for (int begin = 0; begin < kLines.out; begin += kPlan.chunk) {
    const int outputs = kLines.out - begin < kPlan.chunk ? kLines.out - begin : kPlan.chunk;
    int line = begin * kLines.stride - kLines.pad;
    int16_t* to = planes;
    for (int i = kLines.Covered(outputs); i > 0; --i, ++line, to += kPlan.pitch) {
      if (line >= 0 && line < kLines.in) {
        SpreadLine<kPlan>(input + line * kLines.in_step, to + kPlan.walk.pad);
      } else {
        for (int c = 0; c < 4; ++c) FillLine<kPlan.pitch>(padding, to + c * kPlan.plane);
      }
    }
    for (int c = 0; c < 4; ++c) {
      DepthwisePlane<kPlan, kRounding, kClamping>(weights + c, row + c, channels, range, planes + c * kPlan.plane,
                                                  outputs, output + begin * kLines.out_step + c);
    }
  }
}

#endif  // KWS_AOT_DSP

}  // namespace kws::aot::internal
