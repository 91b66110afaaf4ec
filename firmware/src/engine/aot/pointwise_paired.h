// Pointwise() with SMLAD on rows of weights that lie in pairs (weight_rows.h).
#pragma once

#include <cstdint>

#include "engine/aot/instructions.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/requantize.h"

namespace kws::aot::internal {

#if defined(KWS_AOT_DSP)

// dot(b, x) of a whole sum and a low sum that began alike.
inline int32_t HighOfPair(int32_t whole, int32_t low) {
  return static_cast<int32_t>(static_cast<uint32_t>(whole) - static_cast<uint32_t>(low)) >> 8;
}

// The unrolling of a loop over groups of four inputs.
constexpr int PairedUnroll(int inputs) {
  const int groups = inputs / 4;
  return groups % 4 == 0 ? 4 : (groups % 5 == 0 ? 5 : (groups % 3 == 0 ? 3 : (groups % 2 == 0 ? 2 : 1)));
}

// Adds the products of a pair of rows and two frames from ExpandFrames(): 12 instructions for 16 products.
template <int kInputs>
inline __attribute__((always_inline)) void DotPairedByTwo(const int8_t* rows, const uint32_t* frames, int32_t (&low)[2],
                                                          int32_t (&whole)[2]) {
  const int32_t low_a = low[0], low_b = low[1], whole_a = whole[0], whole_b = whole[1];
  register const int8_t* r0 __asm("r0") = rows;
  register const uint32_t* r1 __asm("r1") = frames;
  register int32_t r8 __asm("r8") = low_a;
  register int32_t r9 __asm("r9") = low_b;
  register int32_t r10 __asm("r10") = whole_a;
  register int32_t r11 __asm("r11") = whole_b;
  __asm volatile(
      "add lr, r0, #%c[bytes]\n"
      "1:\n"
      ".rept %c[unroll]\n"
      "ldm r0!, {r2, r12}\n"  // even and odd inputs of both rows
      "ldm r1!, {r3, r4, r5, r6}\n"  // even and odd inputs of a, then of b
      "smlad r10, r2, r3, r10\n"
      "smlad r11, r2, r5, r11\n"
      "sxtb16 r2, r2\n"
      "smlad r8, r2, r3, r8\n"
      "smlad r9, r2, r5, r9\n"
      "smlad r10, r12, r4, r10\n"
      "smlad r11, r12, r6, r11\n"
      "sxtb16 r12, r12\n"
      "smlad r8, r12, r4, r8\n"
      "smlad r9, r12, r6, r9\n"
      ".endr\n"
      "cmp r0, lr\n"
      "bne 1b\n" KWS_LINES_64
      : "+r"(r0), "+r"(r1), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11)
      : [bytes] "i"(2 * kInputs), [unroll] "i"(PairedUnroll(kInputs))
      : "r2", "r3", "r4", "r5", "r6", "r12", "lr", "cc", "memory");
  low[0] = r8;
  low[1] = r9;
  whole[0] = r10;
  whole[1] = r11;
}

// One frame as int16, the even inputs before the odd ones: {x0 x2, x1 x3} for every four inputs.
template <int kInputs>
inline void ExpandFrame(const int8_t* x, uint32_t* to) {
#pragma GCC unroll 4
  for (int i = 0; i < kInputs; i += 4, to += 2) {
    const uint32_t word = LoadWord(x + i);
    to[0] = ExtendEven(word);
    to[1] = ExtendOdd(word);
  }
}

// With one frame from ExpandFrame(): 14 instructions for 16 products.
template <int kInputs>
inline __attribute__((always_inline)) void DotPairedByOne(const int8_t* rows, const uint32_t* frame, int32_t& low,
                                                          int32_t& whole) {
  constexpr int kRest = kInputs % 8;
  static_assert(kRest == 0 || kRest == 4);
  const int32_t low_in = low, whole_in = whole;
  register const int8_t* r0 __asm("r0") = rows;
  register const uint32_t* r1 __asm("r1") = frame;
  register int32_t r8 __asm("r8") = low_in;
  register int32_t r9 __asm("r9") = whole_in;
  __asm volatile(
      ".if %c[rest]\n"
      "ldm r0!, {r2, r3}\n"  // even and odd inputs of both rows
      "ldm r1!, {r6, r10}\n"  // even and odd inputs of the frame
      "smlad r9, r2, r6, r9\n"
      "sxtb16 r2, r2\n"
      "smlad r8, r2, r6, r8\n"
      "smlad r9, r3, r10, r9\n"
      "sxtb16 r3, r3\n"
      "smlad r8, r3, r10, r8\n"
      ".endif\n"
      ".if %c[eights]\n"
      "add lr, r0, #%c[bytes]\n"
      "1:\n"
      ".rept %c[unroll]\n"
      "ldm r0!, {r2, r3, r4, r5}\n"
      "ldm r1!, {r6, r10, r11, r12}\n"
      "smlad r9, r2, r6, r9\n"
      "sxtb16 r2, r2\n"
      "smlad r8, r2, r6, r8\n"
      "smlad r9, r3, r10, r9\n"
      "sxtb16 r3, r3\n"
      "smlad r8, r3, r10, r8\n"
      "smlad r9, r4, r11, r9\n"
      "sxtb16 r4, r4\n"
      "smlad r8, r4, r11, r8\n"
      "smlad r9, r5, r12, r9\n"
      "sxtb16 r5, r5\n"
      "smlad r8, r5, r12, r8\n"
      ".endr\n"
      "cmp r0, lr\n"
      "bne 1b\n"
      ".endif\n" KWS_LINES_64
      : "+r"(r0), "+r"(r1), "+r"(r8), "+r"(r9)
      : [rest] "i"(kRest), [eights] "i"(kInputs / 8), [bytes] "i"(2 * (kInputs - kRest)),
        [unroll] "i"(PairedUnroll(kInputs / 2))
      : "r2", "r3", "r4", "r5", "r6", "r10", "r11", "r12", "lr", "cc", "memory");
  low = r8;
  whole = r9;
}

// With three frames from ExpandThreeFrames(): 17 instructions for 24 products.
template <int kInputs>
inline __attribute__((always_inline)) void DotPairedByThree(const int8_t* rows, const uint32_t* frames,
                                                            int32_t (&low)[3], int32_t (&whole)[3]) {
  const int32_t low_a = low[0], low_b = low[1], low_c = low[2];
  const int32_t whole_a = whole[0], whole_b = whole[1], whole_c = whole[2];
  register const int8_t* r0 __asm("r0") = rows;
  register const uint32_t* r1 __asm("r1") = frames;
  register int32_t r8 __asm("r8") = low_a;
  register int32_t r9 __asm("r9") = low_b;
  register int32_t r10 __asm("r10") = low_c;
  register int32_t r11 __asm("r11") = whole_a;
  register int32_t r12 __asm("r12") = whole_b;
  register int32_t r14 __asm("lr") = whole_c;
  __asm volatile(
      "push {r7}\n"
      "add r7, r0, #%c[bytes]\n"
      "1:\n"
      ".rept %c[unroll]\n"
      "ldm r0!, {r2, r3}\n"
      "ldm r1!, {r4, r5, r6}\n"  // even inputs of a, b and c
      "smlad r11, r2, r4, r11\n"
      "smlad r12, r2, r5, r12\n"
      "smlad lr, r2, r6, lr\n"
      "sxtb16 r2, r2\n"
      "smlad r8, r2, r4, r8\n"
      "smlad r9, r2, r5, r9\n"
      "smlad r10, r2, r6, r10\n"
      "ldm r1!, {r4, r5, r6}\n"  // odd ones
      "smlad r11, r3, r4, r11\n"
      "smlad r12, r3, r5, r12\n"
      "smlad lr, r3, r6, lr\n"
      "sxtb16 r3, r3\n"
      "smlad r8, r3, r4, r8\n"
      "smlad r9, r3, r5, r9\n"
      "smlad r10, r3, r6, r10\n"
      ".endr\n"
      "cmp r0, r7\n"
      "bne 1b\n"
      "pop {r7}\n" KWS_LINES_64 KWS_LINES_16 KWS_LINES_16
      : "+r"(r0), "+r"(r1), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11), "+r"(r12), "+r"(r14)
      : [bytes] "i"(2 * kInputs), [unroll] "i"(PairedUnroll(kInputs))
      : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
  low[0] = r8;
  low[1] = r9;
  low[2] = r10;
  whole[0] = r11;
  whole[1] = r12;
  whole[2] = r14;
}

// kFrames: 2 or 3, expanded.
template <int kInputs, int kOutputs, int kFrames, Rounding kRounding, Clamping kClamping>
inline void PointwisePairedFrames(const LinearTables& tables, OutputRange range, const uint32_t* frames,
                                  int8_t* output) {
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (const int32_t* end = row + kOutputs; row != end; row += 2, weights += 2 * kInputs, output += 2) {
    const int32_t bias0 = row[0], bias1 = row[1];
    int32_t low[kFrames], whole[kFrames];
    for (int f = 0; f < kFrames; ++f) low[f] = whole[f] = bias0;
    if constexpr (kFrames == 3) {
      DotPairedByThree<kInputs>(weights, frames, low, whole);
    } else {
      DotPairedByTwo<kInputs>(weights, frames, low, whole);
    }
    const int32_t multiplier0 = row[kOutputs], multiplier1 = row[kOutputs + 1];
    const int32_t shift0 = row[2 * kOutputs], shift1 = row[2 * kOutputs + 1];
#pragma GCC unroll 3
    for (int f = 0; f < kFrames; ++f) {
      output[f * kOutputs] = Finish<kRounding, kClamping>(low[f], multiplier0, shift0, range);
      output[f * kOutputs + 1] =
          Finish<kRounding, kClamping>(bias1 + HighOfPair(whole[f], low[f]), multiplier1, shift1, range);
    }
  }
}

// Some pairs of rows and one frame: every word of the frame is unpacked once for all of them.
template <int kInputs, int kOutputs, int kPairs, Rounding kRounding, Clamping kClamping>
inline void PointwisePairsOfOneFrame(const int8_t* weights, const int32_t* row, OutputRange range, const int8_t* x,
                                     int8_t* output) {
  int32_t low[kPairs], whole[kPairs];
  for (int p = 0; p < kPairs; ++p) low[p] = whole[p] = row[2 * p];
  for (const int8_t* end = x + kInputs; x != end; x += 4, weights += 8) {
    const uint32_t word = LoadWord(x);
    const uint32_t even = ExtendEven(word), odd = ExtendOdd(word);
#pragma GCC unroll 2
    for (int p = 0; p < kPairs; ++p) {
      const uint32_t rows_even = LoadWord(weights + p * 2 * kInputs);
      const uint32_t rows_odd = LoadWord(weights + p * 2 * kInputs + 4);
      whole[p] = MultiplyPairs(rows_odd, odd, MultiplyPairs(rows_even, even, whole[p]));
      low[p] = MultiplyPairs(ExtendEven(rows_odd), odd, MultiplyPairs(ExtendEven(rows_even), even, low[p]));
    }
  }
  for (int p = 0; p < kPairs; ++p, row += 2, output += 2) {
    const int32_t high = row[1] + HighOfPair(whole[p], low[p]);
    output[0] = Finish<kRounding, kClamping>(low[p], row[kOutputs], row[2 * kOutputs], range);
    output[1] = Finish<kRounding, kClamping>(high, row[kOutputs + 1], row[2 * kOutputs + 1], range);
  }
}

// Rows of a layer with one frame from which on unpacking the frame ahead pays.
constexpr int kRowsOfExpandedFrame = 16;

// scratch: of ExpandFrame(), 4-byte aligned.
template <int kInputs, int kOutputs, Rounding kRounding, Clamping kClamping>
inline void PointwisePairedOneFrame(const LinearTables& tables, OutputRange range, const int8_t* x, int8_t* output,
                                    void* scratch) {
  constexpr int kFours = kOutputs / 4 * 4;
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  if constexpr (kOutputs >= kRowsOfExpandedFrame) {
    auto* frame = static_cast<uint32_t*>(scratch);
    ExpandFrame<kInputs>(x, frame);
    for (const int32_t* end = row + kOutputs; row != end; row += 2, weights += 2 * kInputs, output += 2) {
      const int32_t bias = row[1];
      int32_t low = row[0];
      int32_t whole = low;
      DotPairedByOne<kInputs>(weights, frame, low, whole);
      const int32_t high = bias + HighOfPair(whole, low);
      output[0] = Finish<kRounding, kClamping>(low, row[kOutputs], row[2 * kOutputs], range);
      output[1] = Finish<kRounding, kClamping>(high, row[kOutputs + 1], row[2 * kOutputs + 1], range);
    }
    return;
  }
  for (int o = 0; o < kFours; o += 4, row += 4, weights += 4 * kInputs) {
    PointwisePairsOfOneFrame<kInputs, kOutputs, 2, kRounding, kClamping>(weights, row, range, x, output + o);
  }
  if constexpr (kFours != kOutputs) {
    PointwisePairsOfOneFrame<kInputs, kOutputs, 1, kRounding, kClamping>(weights, row, range, x, output + kFours);
  }
}

#endif

}  // namespace kws::aot::internal
