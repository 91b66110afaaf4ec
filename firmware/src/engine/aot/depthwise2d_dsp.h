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
  // Padding behind the input that outputs cover.
  constexpr int PadBehind() const { return Covered(out) - pad - in > 0 ? Covered(out) - pad - in : 0; }
  // How much of it may be the padding before the next line, or plane, too.
  constexpr int SharedPad() const { return pad < PadBehind() ? pad : PadBehind(); }
  // What a line costs, in outputs: without a stride two are computed at once, with one each costs as much as two.
  constexpr int Computed() const { return stride == 1 ? (out + 1) / 2 * 2 : 2 * out; }
};

constexpr PlaneAxis Rows(const PlaneGeometry& g) {
  return {g.in_h, g.kernel_h, g.out_h, g.stride_h, g.pad_h, g.dilation_h, g.in_w * g.in_c, g.out_w * g.in_c, g.in_c};
}
constexpr PlaneAxis Columns(const PlaneGeometry& g) {
  return {g.in_w, g.kernel_w, g.out_w, g.stride_w, g.pad_w, g.dilation_w, g.in_c, g.in_c, g.kernel_h * g.in_c};
}

// How a plane is walked through: lines of the walk lie beside each other, as many as the working memory holds. Padding
// behind a line is that before the next one, and where all lines are held the same goes for planes.
struct PlaneWalk {
  PlaneAxis walk, lines;
  int pitch;  // int16 elements from one line to the next, an even number
  int chunk;  // lines of outputs that are computed at once; 0: this way cannot be gone
  int plane;  // int16 elements from one channel to the next
  int size;   // int16 elements of all, an even number

  constexpr bool HoldsAll() const { return chunk == lines.out; }
  // Of four planes with so many lines each; so many stand behind the last one.
  constexpr int SizeOf(int covered, int behind) const {
    // Words are read whole: the last one may reach one element further than the kernel.
    return ((4 * covered + behind - 1) * pitch + walk.Covered(walk.out) + 2) / 2 * 2;
  }
};

constexpr PlaneWalk PlanWalk(const PlaneAxis& walk, const PlaneAxis& lines, size_t bytes) {
  PlaneWalk plan = {walk, lines, 0, 0, 0, 0};
  if (!walk.CanBeWalked()) return plan;
  const int most = static_cast<int>(bytes / sizeof(int16_t));
  plan.pitch = (walk.Covered(walk.out) - walk.SharedPad() + 1) / 2 * 2;
  for (int outputs = 1; outputs <= lines.out; ++outputs) {
    const int behind = outputs == lines.out ? lines.SharedPad() : 0;
    const int covered = lines.Covered(outputs) - behind, size = plan.SizeOf(covered, behind);
    if (size > most) break;
    plan.chunk = outputs;
    plan.plane = covered * plan.pitch;
    plan.size = size;
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
#pragma GCC unroll 16
  for (int i = 0; i < kCount; i += 2) StorePair(to + i, pair);
}

// Four channels of a line of input into their planes.
template <const PlaneWalk& kPlan>
inline void SpreadLine(const int8_t* from, int16_t* to) {
  constexpr int kStep = kPlan.walk.in_step, kPlane = kPlan.plane;
  constexpr int kRoom = kPlan.walk.Covered(kPlan.walk.out) - kPlan.walk.pad;
  constexpr int kUsed = kRoom < kPlan.walk.in ? kRoom : kPlan.walk.in;
  int i = 0;
#pragma GCC unroll 4
  for (; i + 2 <= kUsed; i += 2, from += 2 * kStep, to += 2) {
    const uint32_t a = LoadWord(from), b = LoadWord(from + kStep);
    const uint32_t even_a = ExtendEven(a), odd_a = ExtendOdd(a), even_b = ExtendEven(b), odd_b = ExtendOdd(b);
    StorePair(to, PackLow(even_a, even_b));
    StorePair(to + kPlane, PackLow(odd_a, odd_b));
    StorePair(to + 2 * kPlane, PackHigh(even_a, even_b));
    StorePair(to + 3 * kPlane, PackHigh(odd_a, odd_b));
  }
  if constexpr (kUsed % 2 != 0) {
    const uint32_t word = LoadWord(from), even = ExtendEven(word), odd = ExtendOdd(word);
    to[0] = static_cast<int16_t>(even);
    to[kPlane] = static_cast<int16_t>(odd);
    to[2 * kPlane] = static_cast<int16_t>(even >> 16);
    to[3 * kPlane] = static_cast<int16_t>(odd >> 16);
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

// What a channel's outputs are made of where four are computed at once, for kernels of three taps along the walk.
// Weights and bias are doubled, as the rounding wants sums. RequantizeToInt8(), in other words:
//   high = Round(sum * multiplier / 2^31);  (high + (high < 0 ? -1 : 0) + offset) >> shift
// where `offset` has the zero point in it, and the sign of the sum stands for that of `high`: one instruction less for
// each. They differ for a sum of -1 that is halved exactly, to 0; less than nothing or nothing, both become zero.
template <int kLines>
struct FourOutputs {
  int32_t bias, multiplier, shift, offset;
  uint32_t weights[kLines][2];  // {w[0], w[1]}, {w[1], w[2]}

  // The offset has room beside what it is added to.
  bool IsExact() const { return shift <= 21; }

  void Set(const int8_t* from, int line_step, int tap_step, const int32_t* row, int channels, int32_t zero_point) {
    bias = 2 * row[0];
    multiplier = row[channels];
    shift = row[2 * channels];
    offset = static_cast<int32_t>(static_cast<uint32_t>(1 + 2 * zero_point) << shift);
#pragma GCC unroll 4
    for (int y = 0; y < kLines; ++y, from += line_step) {
      const auto first = static_cast<uint32_t>(2 * from[0]), second = static_cast<uint32_t>(2 * from[tap_step]);
      weights[y][0] = PackLow(first, second);
      weights[y][1] = PackLow(second, static_cast<uint32_t>(2 * from[2 * tap_step]));
    }
  }
};

// Whether a line of outputs goes through MultiplyFours(): offsets that instructions have room for.
template <const PlaneWalk& kPlan, Rounding kRounding, Clamping kClamping>
constexpr bool TakesFours() {
  constexpr int kLineBytes = kPlan.lines.dilation * kPlan.pitch * 2;
  return kPlan.walk.stride == 1 && kPlan.walk.kernel == 3 && kPlan.walk.out >= 4 && kRounding == Rounding::kFast &&
         kClamping == Clamping::kInt8 && (kPlan.lines.kernel - 1) * kLineBytes < 1000 && kPlan.lines.kernel <= 64 &&
         4 * kPlan.walk.out_step < 4096;
}

// Four outputs again and again, from `x` to before `end`; moves both pointers on. 11 instructions for each line of the
// kernel, 26 for the rest.
template <int kLineBytes, int kLines, int kOutStep>
inline __attribute__((always_inline)) void MultiplyFours(const FourOutputs<kLines>& values, const int16_t*& x,
                                                         const int16_t* end, int8_t*& output) {
  const int16_t* x_in = x;
  int8_t* output_in = output;
  register const int16_t* r0 __asm("r0") = x_in;
  register const FourOutputs<kLines>* r1 __asm("r1") = &values;
  register int8_t* r2 __asm("r2") = output_in;
  register const int16_t* r3 __asm("r3") = end;
  __asm volatile("1:\n"
                 "ldrd r4, r5, [r1, #16]\n"
                 "ldrd r6, r8, [r0], #8\n"
                 "ldr r12, [r1]\n"
                 "smlad r9, r6, r4, r12\n"
                 "smlatb r10, r6, r4, r12\n"
                 "ldr r6, [r0]\n"
                 "smlad r11, r8, r4, r12\n"
                 "smlatb r12, r8, r4, r12\n"
                 "smlabt r9, r8, r5, r9\n"
                 "smlad r10, r8, r5, r10\n"
                 "smlabt r11, r6, r5, r11\n"
                 "smlad r12, r6, r5, r12\n"
                 ".set kws_line, %c[line_bytes]\n"
                 ".set kws_weights, 24\n"
                 ".rept %c[lines] - 1\n"
                 "ldrd r4, r5, [r1, #kws_weights]\n"
                 "ldrd r6, r8, [r0, #kws_line - 8]\n"
                 "smlad r9, r6, r4, r9\n"
                 "smlatb r10, r6, r4, r10\n"
                 "ldr r6, [r0, #kws_line]\n"
                 "smlad r11, r8, r4, r11\n"
                 "smlatb r12, r8, r4, r12\n"
                 "smlabt r9, r8, r5, r9\n"
                 "smlad r10, r8, r5, r10\n"
                 "smlabt r11, r6, r5, r11\n"
                 "smlad r12, r6, r5, r12\n"
                 ".set kws_line, kws_line + %c[line_bytes]\n"
                 ".set kws_weights, kws_weights + 8\n"
                 ".endr\n"
                 "ldrd r4, r5, [r1, #4]\n"  // multiplier, shift
                 "ldr r6, [r1, #12]\n"      // offset
                 "add r8, r6, r9, asr #31\n"
                 "smmlar r9, r9, r4, r8\n"
                 "add r8, r6, r10, asr #31\n"
                 "smmlar r10, r10, r4, r8\n"
                 "add r8, r6, r11, asr #31\n"
                 "smmlar r11, r11, r4, r8\n"
                 "add r8, r6, r12, asr #31\n"
                 "smmlar r12, r12, r4, r8\n"
                 "asr r9, r9, r5\n"
                 "asr r10, r10, r5\n"
                 "asr r11, r11, r5\n"
                 "asr r12, r12, r5\n"
                 "ssat r9, #8, r9, asr #1\n"
                 "ssat r10, #8, r10, asr #1\n"
                 "ssat r11, #8, r11, asr #1\n"
                 "ssat r12, #8, r12, asr #1\n"
                 "strb r9, [r2]\n"
                 "strb r10, [r2, #%c[step]]\n"
                 "strb r11, [r2, #2 * %c[step]]\n"
                 "strb r12, [r2, #3 * %c[step]]\n"
                 "addw r2, r2, #4 * %c[step]\n"
                 "cmp r0, r3\n"
                 "bne 1b\n" KWS_LINES_64
                 : "+r"(r0), "+r"(r2)
                 : "r"(r1), "r"(r3), [line_bytes] "i"(kLineBytes), [lines] "i"(kLines), [step] "i"(kOutStep)
                 : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
  x = r0;
  output = r2;
}

// One output, as MultiplyFours() computes it.
template <int kLineStep, int kLines>
inline int8_t MultiplyOne(const FourOutputs<kLines>& values, const int16_t* x) {
  int32_t sum = values.bias;
#pragma GCC unroll 16
  for (int y = 0; y < kLines; ++y, x += kLineStep) {
    sum = MultiplyPairs(LoadPair(x), values.weights[y][0], sum);
    sum = MultiplyLowByHigh(LoadPair(x + 2), values.weights[y][1], sum);
  }
  int32_t result = values.offset + (sum >> 31);
  __asm("smmlar %0, %1, %2, %0" : "+r"(result) : "r"(sum), "r"(values.multiplier));
  result >>= values.shift;
  __asm("ssat %0, #8, %0, asr #1" : "+r"(result) : : "cc");
  return static_cast<int8_t>(result);
}

// Some lines of outputs of one channel from its plane, four outputs at once.
template <const PlaneWalk& kPlan>
inline void DepthwisePlaneInFours(const FourOutputs<kPlan.lines.kernel>& values, const int16_t* plane, int lines,
                                  int8_t* output) {
  constexpr int kOut = kPlan.walk.out, kOutStep = kPlan.walk.out_step;
  constexpr int kLineStep = kPlan.lines.dilation * kPlan.pitch;
  for (; lines > 0; --lines, plane += kPlan.lines.stride * kPlan.pitch, output += kPlan.lines.out_step) {
    const int16_t* x = plane;
    int8_t* to = output;
    MultiplyFours<kLineStep * 2, kPlan.lines.kernel, kOutStep>(values, x, x + kOut / 4 * 4, to);
    for (int i = kOut / 4 * 4; i < kOut; ++i, ++x, to += kOutStep) *to = MultiplyOne<kLineStep>(values, x);
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

// What `outputs` lines of outputs cover, of four channels; `input`: the first line of them all.
template <const PlaneWalk& kPlan>
inline void SpreadChunk(const int8_t* input, int8_t padding, int begin, int outputs, int16_t* planes) {
  constexpr const PlaneAxis& kLines = kPlan.lines;
  if constexpr (kPlan.HoldsAll()) {  // the lines of the padding are there, and stay
    constexpr int kRoom = kLines.Covered(kLines.out) - kLines.pad;
    int16_t* to = planes + kLines.pad * kPlan.pitch + kPlan.walk.pad;
    for (int i = kRoom < kLines.in ? kRoom : kLines.in; i > 0; --i, input += kLines.in_step, to += kPlan.pitch) {
      SpreadLine<kPlan>(input, to);
    }
    return;
  }
  int line = begin * kLines.stride - kLines.pad;
  int16_t* to = planes;
  for (int i = kLines.Covered(outputs); i > 0; --i, ++line, to += kPlan.pitch) {
    if (line >= 0 && line < kLines.in) {
      SpreadLine<kPlan>(input + line * kLines.in_step, to + kPlan.walk.pad);
    } else {
      for (int c = 0; c < 4; ++c) FillLine<kPlan.pitch>(padding, to + c * kPlan.plane);
    }
  }
}

// All lines of four channels.
template <const PlaneWalk& kPlan, Rounding kRounding, Clamping kClamping>
inline void DepthwiseFourPlanes(const int8_t* weights, const int32_t* row, int channels, OutputRange range,
                                int8_t padding, const int8_t* input, int8_t* output, int16_t* planes) {
  constexpr const PlaneAxis& kLines = kPlan.lines;
  constexpr bool kFours = TakesFours<kPlan, kRounding, kClamping>();
  [[maybe_unused]] FourOutputs<kLines.kernel> values[kFours ? 4 : 1];
  if constexpr (kFours) {
    for (int c = 0; c < 4; ++c) {
      values[c].Set(weights + c, kLines.tap_step, kPlan.walk.tap_step, row + c, channels, range.zero_point);
    }
  }
  for (int begin = 0; begin < kLines.out; begin += kPlan.chunk) {
    const int outputs = kLines.out - begin < kPlan.chunk ? kLines.out - begin : kPlan.chunk;
    SpreadChunk<kPlan>(input, padding, begin, outputs, planes);
    for (int c = 0; c < 4; ++c) {
      const int16_t* plane = planes + c * kPlan.plane;
      int8_t* to = output + begin * kLines.out_step + c;
      if constexpr (kFours) {
        if (values[c].IsExact()) {
          DepthwisePlaneInFours<kPlan>(values[c], plane, outputs, to);
          continue;
        }
      }
      DepthwisePlane<kPlan, kRounding, kClamping>(weights + c, row + c, channels, range, plane, outputs, to);
    }
  }
}

#endif  // KWS_AOT_DSP

}  // namespace kws::aot::internal
