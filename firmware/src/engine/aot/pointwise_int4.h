// Pointwise convolution and fully connected layer with 4-bit weights, which stay packed in flash.
//
// A byte holds one input's weights of two outputs: output 2p + 8 in the low half, output 2p + 1 in two's complement in
// the high half. As int8 the byte is 16 * high + low + 8, so that whole bytes can be multiplied without unpacking:
//
//   low sum   L = sum((byte & 15) * x)      = dot(low, x) + 8 * sum(x)
//   whole sum W = sum(byte * x)             = 16 * dot(high, x) + L
//   dot(low, x)  = L - 8 * sum(x), where sum(x) is the same for all outputs: it is the sums' start value
//   dot(high, x) = (W - L) / 16, exact
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/instructions.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/pointwise.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Bytes of weights that PointwiseInt4() reads: two outputs a byte.
constexpr size_t PointwiseInt4WeightsBytes(int inputs, int outputs) {
  return static_cast<size_t>(inputs) * ((outputs + 1) / 2);
}

namespace internal {

// Both sums of one pair of outputs and one frame.
struct PairSums {
  int32_t low;    // L
  int32_t whole;  // W
};

template <int kInputs>
inline PairSums DotPairPortable(int32_t start, const int8_t* weights, const int8_t* x) {
  PairSums sums = {start, start};
  int i = 0;
#if defined(KWS_AOT_WASM)
  if constexpr (kInputs >= 8) {
    v128_t low = wasm_i32x4_splat(0), whole = low;
    for (; i + 8 <= kInputs; i += 8) {
      const v128_t bytes = wasm_i16x8_load8x8(weights + i), eight = wasm_i16x8_load8x8(x + i);
      low = MultiplyEight(wasm_v128_and(bytes, wasm_i16x8_splat(15)), eight, low);
      whole = MultiplyEight(bytes, eight, whole);
    }
    sums.low += SumOfLanes(low);
    sums.whole += SumOfLanes(whole);
  }
#endif
  for (; i < kInputs; ++i) {
    sums.low += (weights[i] & 15) * x[i];
    sums.whole += weights[i] * x[i];
  }
  return sums;
}

// -8 * sum(x), the start value of all sums.
template <int kInputs>
inline int32_t StartPortable(const int8_t* x) {
  int32_t sum = 0;
  for (int i = 0; i < kInputs; ++i) sum += x[i];
  return -8 * sum;
}

#if defined(KWS_AOT_DSP)

// The halves of a word are int16 for SMLAD, and every byte holds two weights. Weights come out of a word with one
// instruction each pair, at different scales:
//
//   even inputs  word & 0x000f000f = low + 8           SXTB16 word          = 16 * high + low + 8
//   odd inputs   word & 0x0f000f00 = (low + 8) * 256   word & 0xff00ff00    = (16 * high + low + 8) * 256
//
// so the even inputs of a frame are expanded with a factor of 256: all sums are 256 times those above. Only the results
// must fit: |dot(high, x)| <= 2^10 * inputs below 2^19. Longer rows are summed in parts.
constexpr int kMaxPartInputs = 508;
constexpr uint32_t kLowEven = 0x000f000f, kLowOdd = 0x0f000f00, kWholeOdd = 0xff00ff00;
constexpr uint32_t kOnePair = 0x00010001;

// Inputs of a part, a multiple of what the assembly below unrolls.
template <int kInputs>
constexpr int kPartInputs = kInputs <= kMaxPartInputs ? kInputs : (kInputs / 4 % 5 == 0 ? 320 : 256);
template <int kInputs>
constexpr int kParts = (kInputs + kPartInputs<kInputs> - 1) / kPartInputs<kInputs>;

// Two frames as int16, the even inputs before the odd ones: {256 * a0 a2, a1 a3, 256 * b0 b2, b1 b3} for every four
// inputs. starts: {a, b} for each part.
template <int kInputs>
inline void ExpandFramesInt4(const int8_t* a, const int8_t* b, uint32_t* to, int32_t* starts) {
  for (int part = 0; part < kParts<kInputs>; ++part, starts += 2) {
    const int begin = part * kPartInputs<kInputs>;
    const int end = kInputs - begin < kPartInputs<kInputs> ? kInputs : begin + kPartInputs<kInputs>;
    int32_t sum_a = 0, sum_b = 0;  // even inputs, and the odd ones
    for (int i = begin; i < end; i += 4, to += 4) {
      const uint32_t word_a = LoadWord(a + i);
      const uint32_t word_b = LoadWord(b + i);
      const uint32_t even_a = ExtendEven(word_a), odd_a = ExtendOdd(word_a);
      const uint32_t even_b = ExtendEven(word_b), odd_b = ExtendOdd(word_b);
      to[0] = (word_a << 8) & kWholeOdd;
      to[1] = odd_a;
      to[2] = (word_b << 8) & kWholeOdd;
      to[3] = odd_b;
      sum_a = MultiplyPairs(odd_a, kOnePair, MultiplyPairs(even_a, kOnePair, sum_a));
      sum_b = MultiplyPairs(odd_b, kOnePair, MultiplyPairs(even_b, kOnePair, sum_b));
    }
    starts[0] = -8 * 256 * sum_a;
    starts[1] = -8 * 256 * sum_b;
  }
}

// Adds the products of a pair of outputs and two expanded frames until `end` of the weights: 14 instructions for 16
// products. Assembly, because GCC 12 spills here.
template <int kUnroll>
inline __attribute__((always_inline)) void DotPairByTwo(const int8_t* weights, const int8_t* end,
                                                        const uint32_t* frames, PairSums& sums_a, PairSums& sums_b) {
  const PairSums a = sums_a, b = sums_b;
  register const int8_t* r0 __asm("r0") = weights;
  register const uint32_t* r1 __asm("r1") = frames;
  register const int8_t* lr __asm("lr") = end;
  register int32_t r8 __asm("r8") = a.low;
  register int32_t r9 __asm("r9") = b.low;
  register int32_t r10 __asm("r10") = a.whole;
  register int32_t r11 __asm("r11") = b.whole;
  __asm volatile(
      "1:\n"
      ".rept %c[unroll]\n"
      "ldm r1!, {r3, r4, r5, r6}\n"  // even and odd inputs of a, then of b
      "ldr r12, [r0], #4\n"
      "and r2, r12, #0x000f000f\n"
      "smlad r8, r2, r3, r8\n"
      "smlad r9, r2, r5, r9\n"
      "and r2, r12, #0x0f000f00\n"
      "smlad r8, r2, r4, r8\n"
      "smlad r9, r2, r6, r9\n"
      "sxtb16 r2, r12\n"
      "smlad r10, r2, r3, r10\n"
      "smlad r11, r2, r5, r11\n"
      "and r12, r12, #0xff00ff00\n"
      "smlad r10, r12, r4, r10\n"
      "smlad r11, r12, r6, r11\n"
      ".endr\n"
      "cmp r0, lr\n"
      "bne 1b\n" KWS_LINES_64
      : "+r"(r0), "+r"(r1), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11)
      : "r"(lr), [unroll] "i"(kUnroll)
      : "r2", "r3", "r4", "r5", "r6", "r12", "cc", "memory");
  sums_a = {r8, r10};
  sums_b = {r9, r11};
}

// A part of long rows: not inlined, because the assembly needs nearly all registers.
template <int kUnroll>
__attribute__((noinline)) void DotPairPart(const int8_t* weights, const int8_t* end, const uint32_t* frames,
                                           PairSums* sums) {
  PairSums a = sums[0], b = sums[1];
  DotPairByTwo<kUnroll>(weights, end, frames, a, b);
  sums[0] = a;
  sums[1] = b;
}

inline int32_t LowOf(const PairSums& sums) { return sums.low >> 8; }
// The difference may wrap before it is taken, never the result.
inline int32_t HighOf(const PairSums& sums) {
  return static_cast<int32_t>(static_cast<uint32_t>(sums.whole) - static_cast<uint32_t>(sums.low)) >> 12;
}

template <int kInputs, int kOutputs, int kPairedOutputs, Rounding kRounding, Clamping kClamping>
inline void PointwiseInt4TwoFrames(const LinearTables& tables, OutputRange range, const uint32_t* frames,
                                   const int32_t* starts, int8_t* output) {
  constexpr int kGroups = kInputs / 4;
  constexpr int kUnroll = kGroups % 4 == 0 ? 4 : (kGroups % 5 == 0 ? 5 : (kGroups % 2 == 0 ? 2 : 1));
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (const int32_t* end = row + kPairedOutputs; row != end; row += 2, weights += kInputs, output += 2) {
    int32_t a0 = row[0], a1 = row[1];
    int32_t b0 = a0, b1 = a1;
    const auto add = [&](const PairSums& a, const PairSums& b) {
      a0 += LowOf(a);
      b0 += LowOf(b);
      a1 += HighOf(a);
      b1 += HighOf(b);
    };
    if constexpr (kParts<kInputs> == 1) {
      PairSums a = {starts[0], starts[0]}, b = {starts[1], starts[1]};
      DotPairByTwo<kUnroll>(weights, weights + kInputs, frames, a, b);
      add(a, b);
    } else {
      for (int part = 0; part < kParts<kInputs>; ++part) {
        const int begin = part * kPartInputs<kInputs>;
        const int rest = kInputs - begin;
        PairSums sums[2] = {{starts[2 * part], starts[2 * part]}, {starts[2 * part + 1], starts[2 * part + 1]}};
        const int8_t* from = weights + begin;
        DotPairPart<kUnroll>(from, from + (rest < kPartInputs<kInputs> ? rest : kPartInputs<kInputs>), frames + begin,
                             sums);
        add(sums[0], sums[1]);
      }
    }
    const int32_t multiplier0 = row[kOutputs], multiplier1 = row[kOutputs + 1];
    const int32_t shift0 = row[2 * kOutputs], shift1 = row[2 * kOutputs + 1];
    output[0] = Finish<kRounding, kClamping>(a0, multiplier0, shift0, range);
    output[kOutputs] = Finish<kRounding, kClamping>(b0, multiplier0, shift0, range);
    output[1] = Finish<kRounding, kClamping>(a1, multiplier1, shift1, range);
    output[kOutputs + 1] = Finish<kRounding, kClamping>(b1, multiplier1, shift1, range);
  }
}

// Two pairs of outputs and one frame: every word of the frame is unpacked once for both.
template <int kInputs, int kOutputs, int kFourOutputs, Rounding kRounding, Clamping kClamping>
inline void PointwiseInt4OneFrame(const LinearTables& tables, OutputRange range, const int8_t* x, int8_t* output) {
  static_assert(kInputs <= kMaxPartInputs);
  int32_t sum = 0;
  for (int i = 0; i < kInputs; i += 4) {
    const uint32_t word = LoadWord(x + i);
    sum = MultiplyPairs(ExtendOdd(word), kOnePair, MultiplyPairs(ExtendEven(word), kOnePair, sum));
  }
  const int32_t start = -8 * 256 * sum;
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (int o = 0; o < kFourOutputs; o += 4, row += 4, weights += kInputs) {
    PairSums first = {start, start}, second = first;
    for (const int8_t *at = x, *end = x + kInputs; at != end; at += 4, weights += 4) {
      const uint32_t word_x = LoadWord(at);
      const uint32_t even = (word_x << 8) & kWholeOdd;
      const uint32_t odd = ExtendOdd(word_x);
      const uint32_t word0 = LoadWord(weights);
      first.low = MultiplyPairs(word0 & kLowOdd, odd, MultiplyPairs(word0 & kLowEven, even, first.low));
      first.whole = MultiplyPairs(word0 & kWholeOdd, odd, MultiplyPairs(ExtendEven(word0), even, first.whole));
      const uint32_t word2 = LoadWord(weights + kInputs);
      second.low = MultiplyPairs(word2 & kLowOdd, odd, MultiplyPairs(word2 & kLowEven, even, second.low));
      second.whole = MultiplyPairs(word2 & kWholeOdd, odd, MultiplyPairs(ExtendEven(word2), even, second.whole));
    }
    const int32_t sums[4] = {row[0] + LowOf(first), row[1] + HighOf(first), row[2] + LowOf(second),
                             row[3] + HighOf(second)};
    for (int i = 0; i < 4; ++i) {
      output[o + i] = Finish<kRounding, kClamping>(sums[i], row[kOutputs + i], row[2 * kOutputs + i], range);
    }
  }
}

#elif defined(KWS_AOT_MVE)

// -8 * sum(x), the start value of all sums.
template <int kInputs>
inline __attribute__((always_inline)) int32_t StartVector(const int8_t* x) {
  constexpr int kWhole = kInputs / 16 * 16;
  int32_t sum = 0;
#pragma GCC unroll 16
  for (int i = 0; i < kWhole; i += 16) sum = vaddvaq_s8(sum, vldrbq_s8(x + i));
  if constexpr (kWhole != kInputs) sum = vaddvaq_s8(sum, vldrbq_z_s8(x + kWhole, vctp8q(kInputs - kWhole)));
  return -8 * sum;
}

// Sixteen bytes are 32 weights: one mask gives the low ones, the others need no instruction. Lanes beyond the rows are
// loaded as zero.
template <int kInputs>
inline __attribute__((always_inline)) PairSums DotPair(int32_t start, int8x16_t mask, const int8_t* weights,
                                                       const int8_t* x) {
  constexpr int kWhole = kInputs / 16 * 16;
  PairSums sums = {start, start};
#pragma GCC unroll 16
  for (int i = 0; i < kWhole; i += 16) {
    const int8x16_t bytes = vldrbq_s8(weights + i), values = vldrbq_s8(x + i);
    sums.low = vmladavaq_s8(sums.low, vandq_s8(bytes, mask), values);
    sums.whole = vmladavaq_s8(sums.whole, bytes, values);
  }
  if constexpr (kWhole != kInputs) {
    const mve_pred16_t rest = vctp8q(kInputs - kWhole);
    const int8x16_t bytes = vldrbq_z_s8(weights + kWhole, rest), values = vldrbq_z_s8(x + kWhole, rest);
    sums.low = vmladavaq_s8(sums.low, vandq_s8(bytes, mask), values);
    sums.whole = vmladavaq_s8(sums.whole, bytes, values);
  }
  return sums;
}

// Sums of sixteen inputs, two frames (q1, q2) and the pair of outputs in q0; the first ones of a row start the sums.
// clang-format off
#define KWS_PAIR(first, low_a, whole_a, low_b, whole_b) \
  ".if " first "\n"                                     \
  "vmladav.s8 " whole_a ", q0, q1\n"                    \
  "vmladav.s8 " whole_b ", q0, q2\n"                    \
  "vand q3, q0, q4\n"                             \
  "vmladav.s8 " low_a ", q3, q1\n"                      \
  "vmladav.s8 " low_b ", q3, q2\n"                      \
  ".else\n"                                             \
  "vmladava.s8 " whole_a ", q0, q1\n"                   \
  "vmladava.s8 " whole_b ", q0, q2\n"                   \
  "vand q3, q0, q4\n"                             \
  "vmladava.s8 " low_a ", q3, q1\n"                     \
  "vmladava.s8 " low_b ", q3, q2\n"                     \
  ".endif\n"
// clang-format on

// Two pairs of outputs and two frames: {low, whole - low, low, whole - low} of each frame. Every vector of a frame is
// loaded once for four outputs. Assembly, because the sums take all even registers, which GCC 12 does not manage.
template <int kInputs>
inline __attribute__((always_inline)) void DotFourByTwo(const int8_t* weights, int8x16_t mask, const int8_t* a,
                                                        const int8_t* b, int32x4_t& sums_a, int32x4_t& sums_b) {
  static_assert(kInputs <= 256);
  const int8_t* const next = weights + kInputs;  // the second pair
  register const int8_t* r1 __asm("r1") = weights;
  register const int8_t* r3 __asm("r3") = next;
  register const int8_t* r5 __asm("r5") = a;
  register const int8_t* r11 __asm("r11") = b;
  register int8x16_t q4 __asm("q4") = mask;
  register int32x4_t q0 __asm("q0");
  register int32x4_t q1 __asm("q1");
  __asm volatile inline(
      ".if %c[rest]\n"
      "mov r0, #%c[rest]\n"
      "vctp.8 r0\n"
      ".endif\n"
      ".set kws_group, 0\n"
      ".rept %c[groups]\n"
      "vldrb.8 q0, [r1], #16\n"
      "vldrb.8 q1, [r5], #16\n"
      "vldrb.8 q2, [r11], #16\n"
      KWS_PAIR("kws_group == 0", "r0", "r2", "r4", "r6")
      "vldrb.8 q0, [r3], #16\n"
      KWS_PAIR("kws_group == 0", "r8", "r10", "r12", "lr")
      ".set kws_group, 1\n"
      ".endr\n"
      ".if %c[rest]\n"  // lanes beyond the rest are loaded as zero
      "vpsttt\n"
      "vldrbt.u8 q0, [r1]\n"
      "vldrbt.u8 q1, [r5]\n"
      "vldrbt.u8 q2, [r11]\n"
      KWS_PAIR("kws_group == 0", "r0", "r2", "r4", "r6")
      "vpst\n"
      "vldrbt.u8 q0, [r3]\n"
      KWS_PAIR("kws_group == 0", "r8", "r10", "r12", "lr")
      ".endif\n"
      "sub r2, r2, r0\n"
      "sub r10, r10, r8\n"
      "sub r6, r6, r4\n"
      "sub lr, lr, r12\n"
      "vmov.32 q0[0], r0\n"
      "vmov.32 q0[1], r2\n"
      "vmov.32 q0[2], r8\n"
      "vmov.32 q0[3], r10\n"
      "vmov.32 q1[0], r4\n"
      "vmov.32 q1[1], r6\n"
      "vmov.32 q1[2], r12\n"
      "vmov.32 q1[3], lr\n" KWS_LINES_256
      : "=w"(q0), "=w"(q1), "+r"(r1), "+r"(r3), "+r"(r5), "+r"(r11)
      : "w"(q4), [groups] "i"(kInputs / 16), [rest] "i"(kInputs % 16)
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q2", "q3", "p0", "memory");
  sums_a = q0;
  sums_b = q1;
}

#undef KWS_PAIR

// From {low, whole - low, low, whole - low} to the accumulators of four outputs. start: {start, 0, start, 0}.
inline __attribute__((always_inline)) int32x4_t Accumulators(int32x4_t sums, int32x4_t start, int32x4_t bias) {
  const int32x4_t shift = {0, -4, 0, -4};
  return vaddq_s32(vaddq_s32(vshlq_s32(sums, shift), start), bias);
}

// Requantizes the accumulators of four outputs and stores them.
template <int kOutputs, Clamping kClamping>
inline __attribute__((always_inline)) void FinishFour(int32x4_t sums, const int32_t* row, OutputRange range,
                                                      int8_t* output) {
  const int32x4_t multiplier = vldrwq_s32(row + kOutputs);
  const int32x4_t shift = vldrwq_s32(row + 2 * kOutputs);
  vstrbq_s32(output, RequantizeToInt8<kClamping>(sums, multiplier, shift, range));
}

template <int kInputs, int kOutputs, int kFourOutputs, Clamping kClamping>
inline void PointwiseInt4TwoFrames(const LinearTables& tables, OutputRange range, const int8_t* x, int input_stride,
                                   int8_t* output) {
  const int32_t a = StartVector<kInputs>(x), b = StartVector<kInputs>(x + input_stride);
  const int32x4_t start_a = {a, 0, a, 0}, start_b = {b, 0, b, 0};
  const int8x16_t mask = vdupq_n_s8(15);
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (const int32_t* end = row + kFourOutputs; row != end; row += 4, weights += 2 * kInputs, output += 4) {
    int32x4_t sums_a, sums_b;
    DotFourByTwo<kInputs>(weights, mask, x, x + input_stride, sums_a, sums_b);
    const int32x4_t bias = vldrwq_s32(row);
    FinishFour<kOutputs, kClamping>(Accumulators(sums_a, start_a, bias), row, range, output);
    FinishFour<kOutputs, kClamping>(Accumulators(sums_b, start_b, bias), row, range, output + kOutputs);
  }
}

template <int kInputs, int kOutputs, int kFourOutputs, Clamping kClamping>
inline void PointwiseInt4OneFrame(const LinearTables& tables, OutputRange range, const int8_t* x, int8_t* output) {
  const int32_t start = StartVector<kInputs>(x);
  const int8x16_t mask = vdupq_n_s8(15);
  const int8_t* weights = tables.weights;
  const int32_t* row = tables.requantization;
  for (int o = 0; o < kFourOutputs; o += 4, row += 4) {
    int32_t sums[4];
    for (int i = 0; i < 4; i += 2, weights += kInputs) {
      const PairSums pair = DotPair<kInputs>(start, mask, weights, x);
      sums[i] = row[i] + pair.low;
      sums[i + 1] = row[i + 1] + ((pair.whole - pair.low) >> 4);
    }
    FinishFour<kOutputs, kClamping>(sums, row, range, output + o);
  }
}

#endif

// Outputs kFirst..kOutputs of one frame.
template <int kInputs, int kOutputs, int kFirst, Rounding kRounding, Clamping kClamping>
inline void PointwiseInt4Portable(const LinearTables& tables, OutputRange range, const int8_t* x, int8_t* output) {
  static_assert(kFirst % 2 == 0);
  const int32_t start = StartPortable<kInputs>(x);
  const int8_t* weights = tables.weights + kFirst / 2 * kInputs;
  for (int o = kFirst; o < kOutputs; o += 2, weights += kInputs) {
    const int32_t* row = tables.requantization + o;
    const PairSums pair = DotPairPortable<kInputs>(start, weights, x);
    output[o] = Finish<kRounding, kClamping>(row[0] + pair.low, row[kOutputs], row[2 * kOutputs], range);
    if (o + 1 == kOutputs) break;
    const int32_t high = (pair.whole - pair.low) / 16;
    output[o + 1] = Finish<kRounding, kClamping>(row[1] + high, row[kOutputs + 1], row[2 * kOutputs + 1], range);
  }
}

}  // namespace internal

// As Pointwise(), with 4-bit weights.
//   tables: weights int8 [(kOutputs + 1) / 2][kInputs], packed as above (by kws_codegen's pack_rows), 4-byte aligned;
//           requantization as in LinearTables
//   scratch: PointwiseScratchBytes(kInputs, 2) bytes, 4-byte aligned
template <int kInputs, int kOutputs, int kFrames, Rounding kRounding, Clamping kClamping>
void PointwiseInt4(const LinearTables& tables, OutputRange range, const int8_t* input, int input_stride, int8_t* output,
                   [[maybe_unused]] void* scratch) {
  // Outputs that two frames, or one, get from vector instructions; the portable code adds the rest of each frame.
#if defined(KWS_AOT_DSP)
  constexpr int kTwo = kInputs % 4 == 0 ? kOutputs / 2 * 2 : 0;
  constexpr int kOne = kInputs % 4 == 0 && kInputs <= internal::kMaxPartInputs ? kOutputs / 4 * 4 : 0;
#elif defined(KWS_AOT_MVE)
  constexpr int kTwo = kInputs <= 256 && kRounding == Rounding::kFast ? kOutputs / 4 * 4 : 0;
  constexpr int kOne = kTwo;
#else
  constexpr int kTwo = 0, kOne = 0;
#endif
  int frame = 0;
  if constexpr (kTwo != 0) {
    for (; frame + 2 <= kFrames; frame += 2) {
      const int8_t* x = input + frame * input_stride;
      int8_t* y = output + frame * kOutputs;
#if defined(KWS_AOT_DSP)
      auto* expanded = static_cast<uint32_t*>(scratch);
      int32_t starts[2 * internal::kParts<kInputs>];
      internal::ExpandFramesInt4<kInputs>(x, x + input_stride, expanded, starts);
      internal::PointwiseInt4TwoFrames<kInputs, kOutputs, kTwo, kRounding, kClamping>(tables, range, expanded, starts,
                                                                                      y);
#elif defined(KWS_AOT_MVE)
      internal::PointwiseInt4TwoFrames<kInputs, kOutputs, kTwo, kClamping>(tables, range, x, input_stride, y);
#endif
      if constexpr (kTwo != kOutputs) {
        internal::PointwiseInt4Portable<kInputs, kOutputs, kTwo, kRounding, kClamping>(tables, range, x, y);
        internal::PointwiseInt4Portable<kInputs, kOutputs, kTwo, kRounding, kClamping>(tables, range, x + input_stride,
                                                                                       y + kOutputs);
      }
    }
  }
  for (; frame < kFrames; ++frame) {
    const int8_t* x = input + frame * input_stride;
    int8_t* y = output + frame * kOutputs;
    if constexpr (kOne != 0) {
#if defined(KWS_AOT_DSP)
      internal::PointwiseInt4OneFrame<kInputs, kOutputs, kOne, kRounding, kClamping>(tables, range, x, y);
#elif defined(KWS_AOT_MVE)
      internal::PointwiseInt4OneFrame<kInputs, kOutputs, kOne, kClamping>(tables, range, x, y);
#endif
    }
    if constexpr (kOne != kOutputs) {
      internal::PointwiseInt4Portable<kInputs, kOutputs, kOne, kRounding, kClamping>(tables, range, x, y);
    }
  }
}

}  // namespace kws::aot
