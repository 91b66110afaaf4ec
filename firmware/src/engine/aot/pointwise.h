// Pointwise (1x1) convolution and fully connected layer. One weight row is one output; also a convolution over k whole
// rows of a time window, whose inputs lie one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/instructions.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/pointwise_paired.h"
#include "engine/aot/requantize.h"
#include "engine/aot/weight_rows.h"

namespace kws::aot {

// Bytes of scratch that Pointwise() needs, 4-byte aligned: two frames as int16, of many frames three.
constexpr size_t PointwiseScratchBytes(int inputs, int frames) {
  return static_cast<size_t>(inputs) * (frames < 3 ? 2 : 3) * sizeof(int16_t);
}

// Bytes of weights that Pointwise() reads.
constexpr size_t PointwiseWeightsBytes(int inputs, int outputs) { return static_cast<size_t>(inputs) * outputs; }

namespace internal {

template <int kInputs>
inline int32_t DotPortable(int32_t sum, const int8_t* a, const int8_t* b) {
  int i = 0;
#if defined(KWS_AOT_WASM)
  if constexpr (kInputs >= 8) {
    v128_t sums = wasm_i32x4_splat(0);
    for (; i + 8 <= kInputs; i += 8) sums = MultiplyEight(wasm_i16x8_load8x8(a + i), wasm_i16x8_load8x8(b + i), sums);
    sum += SumOfLanes(sums);
  }
#endif
  for (; i < kInputs; ++i) sum += a[i] * b[i];
  return sum;
}

#if defined(KWS_AOT_DSP)

// Two frames as int16, the even inputs before the odd ones: {a0 a2, a1 a3, b0 b2, b1 b3} for every four inputs.
template <int kInputs>
inline void ExpandFrames(const int8_t* a, const int8_t* b, uint32_t* to) {
  for (int i = 0; i < kInputs; i += 4, to += 4) {
    const uint32_t word_a = LoadWord(a + i);
    const uint32_t word_b = LoadWord(b + i);
    to[0] = ExtendEven(word_a);
    to[1] = ExtendOdd(word_a);
    to[2] = ExtendEven(word_b);
    to[3] = ExtendOdd(word_b);
  }
}

// Adds the products of two weight rows and two expanded frames. Every weight word is unpacked once for both frames,
// every frame is unpacked once for all rows: 15 instructions for 16 products. Assembly, because GCC 12 spills here.
template <int kInputs>
inline __attribute__((always_inline)) void DotTwoByTwo(const int8_t* rows, const uint32_t* frames, int32_t& a0,
                                                       int32_t& b0, int32_t& a1, int32_t& b1) {
  static_assert(kInputs % 4 == 0 && kInputs <= 4092);
  constexpr int kGroups = kInputs / 4;
  constexpr int kUnroll = kGroups % 4 == 0 ? 4 : (kGroups % 5 == 0 ? 5 : (kGroups % 2 == 0 ? 2 : 1));
  const int32_t a0_in = a0, b0_in = b0, a1_in = a1, b1_in = b1;
  register const int8_t* r0 __asm("r0") = rows;
  register const uint32_t* r1 __asm("r1") = frames;
  register int32_t r8 __asm("r8") = a0_in;
  register int32_t r9 __asm("r9") = b0_in;
  register int32_t r10 __asm("r10") = a1_in;
  register int32_t r11 __asm("r11") = b1_in;
  __asm volatile(
      "add lr, r0, #%c[inputs]\n"
      "1:\n"
      ".rept %c[unroll]\n"
      "ldm r1!, {r3, r4, r5, r6}\n"  // even and odd inputs of a, then of b
      "ldr r12, [r0, #%c[inputs]]\n"
      "sxtb16 r2, r12\n"
      "sxtb16 r12, r12, ror #8\n"
      "smlad r10, r2, r3, r10\n"
      "smlad r11, r2, r5, r11\n"
      "smlad r10, r12, r4, r10\n"
      "smlad r11, r12, r6, r11\n"
      "ldr r12, [r0], #4\n"
      "sxtb16 r2, r12\n"
      "sxtb16 r12, r12, ror #8\n"
      "smlad r8, r2, r3, r8\n"
      "smlad r9, r2, r5, r9\n"
      "smlad r8, r12, r4, r8\n"
      "smlad r9, r12, r6, r9\n"
      ".endr\n"
      "cmp r0, lr\n"
      "bne 1b\n" KWS_LINES_64
      : "+r"(r0), "+r"(r1), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11)
      : [inputs] "i"(kInputs), [unroll] "i"(kUnroll)
      : "r2", "r3", "r4", "r5", "r6", "r12", "lr", "cc", "memory");
  a0 = r8;
  b0 = r9;
  a1 = r10;
  b1 = r11;
}

template <int kInputs, int kOutputs, Rounding kRounding, Clamping kClamping, bool kPaired>
inline void PointwiseTwoFrames(const LinearTables& tables, OutputRange range, const uint32_t* frames, int8_t* output) {
  if constexpr (kPaired) {
    return PointwisePairedFrames<kInputs, kOutputs, 2, kRounding, kClamping>(tables, range, frames, output);
  }
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (const int32_t* end = row + kOutputs; row != end; row += 2, weights += 2 * kInputs, output += 2) {
    int32_t a0 = row[0], a1 = row[1];
    int32_t b0 = a0, b1 = a1;
    DotTwoByTwo<kInputs>(weights, frames, a0, b0, a1, b1);
    const int32_t multiplier0 = row[kOutputs], multiplier1 = row[kOutputs + 1];
    const int32_t shift0 = row[2 * kOutputs], shift1 = row[2 * kOutputs + 1];
    output[0] = Finish<kRounding, kClamping>(a0, multiplier0, shift0, range);
    output[kOutputs] = Finish<kRounding, kClamping>(b0, multiplier0, shift0, range);
    output[1] = Finish<kRounding, kClamping>(a1, multiplier1, shift1, range);
    output[kOutputs + 1] = Finish<kRounding, kClamping>(b1, multiplier1, shift1, range);
  }
}

// Three frames as ExpandFrames() does two: {a0 a2, b0 b2, c0 c2, a1 a3, b1 b3, c1 c3} for every four inputs.
template <int kInputs>
inline void ExpandThreeFrames(const int8_t* a, const int8_t* b, const int8_t* c, uint32_t* to) {
  for (int i = 0; i < kInputs; i += 4, to += 6) {
    const uint32_t word_a = LoadWord(a + i);
    const uint32_t word_b = LoadWord(b + i);
    const uint32_t word_c = LoadWord(c + i);
    to[0] = ExtendEven(word_a);
    to[1] = ExtendEven(word_b);
    to[2] = ExtendEven(word_c);
    to[3] = ExtendOdd(word_a);
    to[4] = ExtendOdd(word_b);
    to[5] = ExtendOdd(word_c);
  }
}

// As DotTwoByTwo(), with three frames: 20 instructions for 24 products. The end of the rows lies on the stack, beside
// r7.
template <int kInputs>
inline __attribute__((always_inline)) void DotTwoByThree(const int8_t* rows, const uint32_t* frames,
                                                         int32_t (&sums0)[3], int32_t (&sums1)[3]) {
  static_assert(kInputs % 4 == 0 && kInputs <= 4092);
  constexpr int kGroups = kInputs / 4;
  constexpr int kUnroll =
      kGroups % 4 == 0 ? 4 : (kGroups % 5 == 0 ? 5 : (kGroups % 3 == 0 ? 3 : (kGroups % 2 == 0 ? 2 : 1)));
  const int32_t a0 = sums0[0], b0 = sums0[1], c0 = sums0[2], a1 = sums1[0], b1 = sums1[1], c1 = sums1[2];
  register const int8_t* r0 __asm("r0") = rows;
  register const uint32_t* r1 __asm("r1") = frames;
  register int32_t r8 __asm("r8") = a0;
  register int32_t r9 __asm("r9") = b0;
  register int32_t r10 __asm("r10") = c0;
  register int32_t r11 __asm("r11") = a1;
  register int32_t r12 __asm("r12") = b1;
  register int32_t r14 __asm("lr") = c1;
  __asm volatile(
      "add r2, r0, #%c[inputs]\n"
      "push {r2, r7}\n"
      "1:\n"
      ".rept %c[unroll]\n"
      "ldr r3, [r0, #%c[inputs]]\n"
      "ldr r2, [r0], #4\n"
      "ldm r1!, {r4, r5, r6}\n"  // even inputs of a, b and c
      "sxtb16 r7, r2\n"
      "smlad r8, r7, r4, r8\n"
      "smlad r9, r7, r5, r9\n"
      "smlad r10, r7, r6, r10\n"
      "sxtb16 r7, r3\n"
      "smlad r11, r7, r4, r11\n"
      "smlad r12, r7, r5, r12\n"
      "smlad lr, r7, r6, lr\n"
      "ldm r1!, {r4, r5, r6}\n"  // odd ones
      "sxtb16 r2, r2, ror #8\n"
      "smlad r8, r2, r4, r8\n"
      "smlad r9, r2, r5, r9\n"
      "smlad r10, r2, r6, r10\n"
      "sxtb16 r3, r3, ror #8\n"
      "smlad r11, r3, r4, r11\n"
      "smlad r12, r3, r5, r12\n"
      "smlad lr, r3, r6, lr\n"
      ".endr\n"
      "ldr r2, [sp]\n"
      "cmp r0, r2\n"
      "bne 1b\n"
      "pop {r2, r7}\n" KWS_LINES_64 KWS_LINES_16 KWS_LINES_16
      : "+r"(r0), "+r"(r1), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11), "+r"(r12), "+r"(r14)
      : [inputs] "i"(kInputs), [unroll] "i"(kUnroll)
      : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
  sums0[0] = r8;
  sums0[1] = r9;
  sums0[2] = r10;
  sums1[0] = r11;
  sums1[1] = r12;
  sums1[2] = r14;
}

template <int kInputs, int kOutputs, Rounding kRounding, Clamping kClamping, bool kPaired>
inline void PointwiseThreeFrames(const LinearTables& tables, OutputRange range, const uint32_t* frames,
                                 int8_t* output) {
  if constexpr (kPaired) {
    return PointwisePairedFrames<kInputs, kOutputs, 3, kRounding, kClamping>(tables, range, frames, output);
  }
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (const int32_t* end = row + kOutputs; row != end; row += 2, weights += 2 * kInputs, output += 2) {
    const int32_t bias0 = row[0], bias1 = row[1];
    int32_t sums0[3] = {bias0, bias0, bias0}, sums1[3] = {bias1, bias1, bias1};
    DotTwoByThree<kInputs>(weights, frames, sums0, sums1);
    const int32_t multiplier0 = row[kOutputs], multiplier1 = row[kOutputs + 1];
    const int32_t shift0 = row[2 * kOutputs], shift1 = row[2 * kOutputs + 1];
#pragma GCC unroll 3
    for (int f = 0; f < 3; ++f) {
      output[f * kOutputs] = Finish<kRounding, kClamping>(sums0[f], multiplier0, shift0, range);
      output[f * kOutputs + 1] = Finish<kRounding, kClamping>(sums1[f], multiplier1, shift1, range);
    }
  }
}

// Four weight rows and one frame: every word of the frame is unpacked once for all four.
template <int kInputs>
inline void DotFourByOne(const int8_t* rows, const int8_t* x, int32_t* sums) {
  int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
  for (const int8_t* end = x + kInputs; x != end; x += 4, rows += 4) {
    const uint32_t word_x = LoadWord(x);
    const uint32_t even = ExtendEven(word_x);
    const uint32_t odd = ExtendOdd(word_x);
    const uint32_t word0 = LoadWord(rows);
    sum0 = MultiplyPairs(ExtendOdd(word0), odd, MultiplyPairs(ExtendEven(word0), even, sum0));
    const uint32_t word1 = LoadWord(rows + kInputs);
    sum1 = MultiplyPairs(ExtendOdd(word1), odd, MultiplyPairs(ExtendEven(word1), even, sum1));
    const uint32_t word2 = LoadWord(rows + 2 * kInputs);
    sum2 = MultiplyPairs(ExtendOdd(word2), odd, MultiplyPairs(ExtendEven(word2), even, sum2));
    const uint32_t word3 = LoadWord(rows + 3 * kInputs);
    sum3 = MultiplyPairs(ExtendOdd(word3), odd, MultiplyPairs(ExtendEven(word3), even, sum3));
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

// Some weight rows and one frame, of any number of inputs.
template <int kInputs, int kRows>
inline void DotRowsByOne(const int8_t* rows, const int8_t* x, int32_t* sums) {
  constexpr int kWhole = kInputs / 4 * 4;
  int32_t sum[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = sums[r];
  for (int i = 0; i < kWhole; i += 4) {
    const uint32_t word_x = LoadWord(x + i);
    const uint32_t even = ExtendEven(word_x);
    const uint32_t odd = ExtendOdd(word_x);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const uint32_t word = LoadWord(rows + r * kInputs + i);
      sum[r] = MultiplyPairs(ExtendOdd(word), odd, MultiplyPairs(ExtendEven(word), even, sum[r]));
    }
  }
  for (int r = 0; r < kRows; ++r)
    sums[r] = DotPortable<kInputs - kWhole>(sum[r], rows + r * kInputs + kWhole, x + kWhole);
}

template <int kInputs, int kOutputs, int kRows, Rounding kRounding, Clamping kClamping>
inline void PointwiseRows(const int8_t* weights, const int32_t* row, OutputRange range, const int8_t* x,
                          int8_t* output) {
  int32_t sums[kRows];
  for (int i = 0; i < kRows; ++i) sums[i] = row[i];
  if constexpr (kRows == 4 && kInputs % 4 == 0) {
    DotFourByOne<kInputs>(weights, x, sums);
  } else {
    DotRowsByOne<kInputs, kRows>(weights, x, sums);
  }
  for (int i = 0; i < kRows; ++i) {
    output[i] = Finish<kRounding, kClamping>(sums[i], row[kOutputs + i], row[2 * kOutputs + i], range);
  }
}

template <int kInputs, int kOutputs, Rounding kRounding, Clamping kClamping, bool kPaired>
inline void PointwiseOneFrame(const LinearTables& tables, OutputRange range, const int8_t* x, int8_t* output,
                              void* scratch) {
  if constexpr (kPaired) {
    return PointwisePairedOneFrame<kInputs, kOutputs, kRounding, kClamping>(tables, range, x, output, scratch);
  }
  constexpr int kFours = kOutputs / 4 * 4;
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (int o = 0; o < kFours; o += 4, row += 4, weights += 4 * kInputs) {
    PointwiseRows<kInputs, kOutputs, 4, kRounding, kClamping>(weights, row, range, x, output + o);
  }
  if constexpr (kFours != kOutputs) {
    PointwiseRows<kInputs, kOutputs, kOutputs - kFours, kRounding, kClamping>(weights, row, range, x, output + kFours);
  }
}

#elif defined(KWS_AOT_MVE)

// Sixteen products an instruction; a rest below sixteen by predication, so that nothing beyond the rows is read.
template <int kInputs>
inline __attribute__((always_inline)) int32_t DotOne(int32_t sum, const int8_t* weights, const int8_t* x) {
  constexpr int kWhole = kInputs / 16 * 16;
#pragma GCC unroll 16
  for (int i = 0; i < kWhole; i += 16) sum = vmladavaq_s8(sum, vldrbq_s8(weights + i), vldrbq_s8(x + i));
  if constexpr (kWhole != kInputs) {
    const mve_pred16_t rest = vctp8q(kInputs - kWhole);
    sum = vmladavaq_s8(sum, vldrbq_z_s8(weights + kWhole, rest), vldrbq_z_s8(x + kWhole, rest));
  }
  return sum;
}

// Four weight rows and one frame: every vector of the frame is loaded once for all four. Assembly, because GCC 12 keeps
// whole frames in registers and spills them.
template <int kInputs>
inline __attribute__((always_inline)) void DotFourByOne(const int8_t* rows, const int8_t* x, int32_t (&sums)[4]) {
  const int8_t *rows1 = rows + kInputs, *rows2 = rows + 2 * kInputs, *rows3 = rows + 3 * kInputs;
  int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
  if constexpr (kInputs >= 16) {
    __asm volatile inline(
        ".rept %c[groups]\n"
        "vldrb.8 q0, [%[x]], #16\n"
        "vldrb.8 q1, [%[rows0]], #16\n"
        "vmladava.s8 %[sum0], q1, q0\n"
        "vldrb.8 q2, [%[rows1]], #16\n"
        "vmladava.s8 %[sum1], q2, q0\n"
        "vldrb.8 q1, [%[rows2]], #16\n"
        "vmladava.s8 %[sum2], q1, q0\n"
        "vldrb.8 q2, [%[rows3]], #16\n"
        "vmladava.s8 %[sum3], q2, q0\n"
        ".endr\n" KWS_LINES_256
        : [sum0] "+Te"(sum0), [sum1] "+Te"(sum1), [sum2] "+Te"(sum2), [sum3] "+Te"(sum3), [rows0] "+r"(rows),
          [rows1] "+r"(rows1), [rows2] "+r"(rows2), [rows3] "+r"(rows3), [x] "+r"(x)
        : [groups] "i"(kInputs / 16)
        : "q0", "q1", "q2", "memory");
  }
  if constexpr (kInputs % 16 != 0) {
    const mve_pred16_t rest = vctp8q(kInputs % 16);
    const int8x16_t last = vldrbq_z_s8(x, rest);
    sum0 = vmladavaq_s8(sum0, vldrbq_z_s8(rows, rest), last);
    sum1 = vmladavaq_s8(sum1, vldrbq_z_s8(rows1, rest), last);
    sum2 = vmladavaq_s8(sum2, vldrbq_z_s8(rows2, rest), last);
    sum3 = vmladavaq_s8(sum3, vldrbq_z_s8(rows3, rest), last);
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

// Whether DotFourByOne() unrolls a row of that length.
constexpr bool CanDotFourByOne(int inputs) { return inputs <= 256; }

// Two weight rows and two frames: every vector that is loaded is used twice. Assembly, because GCC 12 spills here.
// kInputs: up to 256. The only block whose registers the compiler chooses: it needs 8 of 13, half of them even ones.
template <int kInputs>
inline __attribute__((always_inline)) void DotTwoByTwo(const int8_t* rows, const int8_t* a, const int8_t* b,
                                                       int32_t& a0, int32_t& b0, int32_t& a1, int32_t& b1) {
  static_assert(kInputs <= 256);
  const int8_t* rows1 = rows + kInputs;
  int32_t sum_a0 = a0, sum_b0 = b0, sum_a1 = a1, sum_b1 = b1;
  __asm volatile inline(
      ".rept %c[groups]\n"
      "vldrb.8 q0, [%[rows0]], #16\n"
      "vldrb.8 q1, [%[a]], #16\n"
      "vmladava.s8 %[a0], q0, q1\n"
      "vldrb.8 q2, [%[b]], #16\n"
      "vmladava.s8 %[b0], q0, q2\n"
      "vldrb.8 q3, [%[rows1]], #16\n"
      "vmladava.s8 %[a1], q3, q1\n"
      "vmladava.s8 %[b1], q3, q2\n"
      ".endr\n" KWS_LINES_64 KWS_LINES_64
      : [a0] "+Te"(sum_a0), [b0] "+Te"(sum_b0), [a1] "+Te"(sum_a1), [b1] "+Te"(sum_b1), [rows0] "+r"(rows),
        [rows1] "+r"(rows1), [a] "+r"(a), [b] "+r"(b)
      : [groups] "i"(kInputs / 16)
      : "q0", "q1", "q2", "q3", "memory");
  if constexpr (kInputs % 16 != 0) {
    // Lanes beyond the rest are loaded as zero.
    __asm volatile(
        "mov lr, #%c[rest]\n"
        "vctp.8 lr\n"
        "vpstttt\n"
        "vldrbt.u8 q0, [%[rows0]]\n"
        "vldrbt.u8 q1, [%[a]]\n"
        "vldrbt.u8 q2, [%[b]]\n"
        "vldrbt.u8 q3, [%[rows1]]\n"
        "vmladava.s8 %[a0], q0, q1\n"
        "vmladava.s8 %[b0], q0, q2\n"
        "vmladava.s8 %[a1], q3, q1\n"
        "vmladava.s8 %[b1], q3, q2\n"
        : [a0] "+Te"(sum_a0), [b0] "+Te"(sum_b0), [a1] "+Te"(sum_a1), [b1] "+Te"(sum_b1)
        : [rows0] "r"(rows), [rows1] "r"(rows1), [a] "r"(a), [b] "r"(b), [rest] "i"(kInputs % 16)
        : "lr", "q0", "q1", "q2", "q3", "p0", "memory");
  }
  a0 = sum_a0;
  b0 = sum_b0;
  a1 = sum_a1;
  b1 = sum_b1;
}

// Requantizes the sums of four outputs and stores them.
template <int kOutputs, Clamping kClamping>
inline void FinishFour(const int32_t* sums, const int32_t* row, OutputRange range, int8_t* output) {
  const int32x4_t multiplier = vldrwq_s32(row + kOutputs);
  const int32x4_t shift = vldrwq_s32(row + 2 * kOutputs);
  vstrbq_s32(output, RequantizeToInt8<kClamping>(vldrwq_s32(sums), multiplier, shift, range));
}

template <int kInputs, int kOutputs, Clamping kClamping>
inline void PointwiseTwoFrames(const LinearTables& tables, OutputRange range, const int8_t* x, int input_stride,
                               int8_t* output) {
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (const int32_t* end = row + kOutputs; row != end; row += 4, output += 4) {
    int32_t sums_a[4], sums_b[4];
#pragma GCC unroll 2
    for (int i = 0; i < 4; i += 2, weights += 2 * kInputs) {
      int32_t a0 = row[i], a1 = row[i + 1];
      int32_t b0 = a0, b1 = a1;
      DotTwoByTwo<kInputs>(weights, x, x + input_stride, a0, b0, a1, b1);
      sums_a[i] = a0;
      sums_a[i + 1] = a1;
      sums_b[i] = b0;
      sums_b[i + 1] = b1;
    }
    FinishFour<kOutputs, kClamping>(sums_a, row, range, output);
    FinishFour<kOutputs, kClamping>(sums_b, row, range, output + kOutputs);
  }
}

template <int kInputs, int kOutputs, Rounding kRounding, Clamping kClamping, bool kPaired>
inline void PointwiseOneFrame(const LinearTables& tables, OutputRange range, const int8_t* x, int8_t* output,
                              void* /*scratch*/) {
  constexpr int kFours = kRounding == Rounding::kFast ? kOutputs / 4 * 4 : 0;
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (int o = 0; o < kFours; o += 4, row += 4) {
    int32_t sums[4];
    if constexpr (CanDotFourByOne(kInputs)) {
      for (int i = 0; i < 4; ++i) sums[i] = row[i];
      DotFourByOne<kInputs>(weights, x, sums);
      weights += 4 * kInputs;
    } else {
      for (int i = 0; i < 4; ++i, weights += kInputs) sums[i] = DotOne<kInputs>(row[i], weights, x);
    }
    FinishFour<kOutputs, kClamping>(sums, row, range, output + o);
  }
  for (int o = kFours; o < kOutputs; ++o, ++row, weights += kInputs) {
    const int32_t sum = DotOne<kInputs>(row[0], weights, x);
    output[o] = Finish<kRounding, kClamping>(sum, row[kOutputs], row[2 * kOutputs], range);
  }
}

#endif

}  // namespace internal

// output[f][o] = Requantize(sum_i weights[o][i] * (input[f][i] - zero point) + bias[o])
//   input:  kFrames rows of kInputs int8, row f at input + f * input_stride
//   output: int8 [kFrames][kOutputs], not overlapping the input
//   scratch: PointwiseScratchBytes(kInputs, kFrames) bytes, 4-byte aligned
//   kPaired: the rows lie in pairs (weight_rows.h)
template <int kInputs, int kOutputs, int kFrames, Rounding kRounding, Clamping kClamping, bool kPaired = false>
void Pointwise(const LinearTables& tables, OutputRange range, const int8_t* input, int input_stride, int8_t* output,
               [[maybe_unused]] void* scratch) {
#if defined(KWS_AOT_DSP)
  // The second weight row is addressed by an immediate offset.
  constexpr bool kByTwo = kPaired || (kInputs % 4 == 0 && kInputs <= 4092 && kOutputs % 2 == 0);
  constexpr bool kByOne = kInputs >= 4;
#elif defined(KWS_AOT_MVE)
  constexpr bool kByTwo = kInputs <= 256 && kOutputs % 4 == 0 && kRounding == Rounding::kFast;
  constexpr bool kByOne = true;
#else
  constexpr bool kByTwo = false, kByOne = false;
#endif
#if defined(KWS_AOT_DSP)
  // By three, unless a lone frame would be left.
  constexpr int kThrees = !kByTwo || kFrames < 3 ? 0 : (kFrames % 3 == 1 ? kFrames - 4 : kFrames / 3 * 3);
  if constexpr (kThrees != 0) {
    for (int frame = 0; frame < kThrees; frame += 3) {
      const int8_t* x = input + frame * input_stride;
      auto* expanded = static_cast<uint32_t*>(scratch);
      internal::ExpandThreeFrames<kInputs>(x, x + input_stride, x + 2 * input_stride, expanded);
      internal::PointwiseThreeFrames<kInputs, kOutputs, kRounding, kClamping, kPaired>(tables, range, expanded,
                                                                                       output + frame * kOutputs);
    }
  }
  constexpr int kTwos = kThrees + (kByTwo ? (kFrames - kThrees) / 2 * 2 : 0);
  constexpr int kDone = kByOne ? kFrames : kTwos;
  if constexpr (kTwos != kThrees) {
    for (int frame = kThrees; frame < kTwos; frame += 2) {
      const int8_t* x = input + frame * input_stride;
      auto* expanded = static_cast<uint32_t*>(scratch);
      internal::ExpandFrames<kInputs>(x, x + input_stride, expanded);
      internal::PointwiseTwoFrames<kInputs, kOutputs, kRounding, kClamping, kPaired>(tables, range, expanded,
                                                                                     output + frame * kOutputs);
    }
  }
#else
  constexpr int kTwos = kByTwo ? kFrames / 2 * 2 : 0;
  constexpr int kDone = kByOne ? kFrames : kTwos;
#endif
#if defined(KWS_AOT_MVE)
  if constexpr (kTwos != 0) {
    for (int frame = 0; frame < kTwos; frame += 2) {
      internal::PointwiseTwoFrames<kInputs, kOutputs, kClamping>(tables, range, input + frame * input_stride,
                                                                 input_stride, output + frame * kOutputs);
    }
  }
#endif
#if defined(KWS_AOT_DSP) || defined(KWS_AOT_MVE)
  if constexpr (kDone != kTwos) {
    for (int frame = kTwos; frame < kFrames; ++frame) {
      internal::PointwiseOneFrame<kInputs, kOutputs, kRounding, kClamping, kPaired>(
          tables, range, input + frame * input_stride, output + frame * kOutputs, scratch);
    }
  }
#endif
  for (int frame = kDone; frame < kFrames; ++frame) {
    const int8_t* weights = tables.weights;
    for (int o = 0; o < kOutputs; ++o, weights += kInputs) {
      const int32_t* row = tables.requantization + o;
      const int32_t sum = internal::DotPortable<kInputs>(row[0], weights, input + frame * input_stride);
      output[frame * kOutputs + o] =
          internal::Finish<kRounding, kClamping>(sum, row[kOutputs], row[2 * kOutputs], range);
    }
  }
}

}  // namespace kws::aot
