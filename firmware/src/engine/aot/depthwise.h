// Depthwise convolution along time, on rows of channels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/instructions.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Bytes of weights that Depthwise() reads.
constexpr size_t DepthwiseWeightsBytes(int channels, int taps) { return static_cast<size_t>(channels) * taps; }

namespace internal {

#if defined(KWS_AOT_DSP)

// Taps that one assembly unrolls: an even number, as 4-bit weights come in pairs.
constexpr int kBlockTaps = 32;

// Whether the offset of every tap of a block fits into a load instruction.
template <int kTaps>
constexpr int kLastOfBlock = (kTaps < kBlockTaps ? kTaps : kBlockTaps) - 1;
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
constexpr bool kImmediateOffsets = kChannels % 4 == 0 && kLastOfBlock<kTaps> * kChannels <= 4095 &&
                                   kLastOfBlock<kTaps> * kTapStride + kFrameStride <= 4095;

// Adds the products of four channels, two frames and up to kBlockTaps taps: each word of weights is unpacked once for
// both frames. Unrolled assembly, because GCC 12 spills here: eight sums and six other values take all registers, r7
// included, which is the frame pointer in some builds and therefore saved here.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline __attribute__((always_inline)) void DepthwiseFourByTwo(const int8_t* weights, const int8_t* x, int32_t (&a)[4],
                                                              int32_t (&b)[4]) {
  static_assert(kTaps <= kBlockTaps);
  const int32_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
  const int32_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
  register const int8_t* r0 __asm("r0") = weights;
  register const int8_t* r1 __asm("r1") = x;
  register int32_t r4 __asm("r4") = a0;
  register int32_t r5 __asm("r5") = a1;
  register int32_t r6 __asm("r6") = a2;
  register int32_t r8 __asm("r8") = a3;
  register int32_t r9 __asm("r9") = b0;
  register int32_t r10 __asm("r10") = b1;
  register int32_t r11 __asm("r11") = b2;
  register int32_t r12 __asm("r12") = b3;
  __asm volatile(
      "push {r7}\n"
      ".set kws_tap, 0\n"
      ".rept %c[taps]\n"
      "ldr r3, [r0, #(kws_tap * %c[channels])]\n"
      "sxtb16 r2, r3\n"
      "sxtb16 r3, r3, ror #8\n"
      "ldr lr, [r1, #(kws_tap * %c[tap])]\n"
      "sxtb16 r7, lr\n"
      "sxtb16 lr, lr, ror #8\n"
      "smlabb r4, r2, r7, r4\n"
      "smlabb r5, r3, lr, r5\n"
      "smlatt r6, r2, r7, r6\n"
      "smlatt r8, r3, lr, r8\n"
      "ldr lr, [r1, #(kws_tap * %c[tap] + %c[frame])]\n"
      "sxtb16 r7, lr\n"
      "sxtb16 lr, lr, ror #8\n"
      "smlabb r9, r2, r7, r9\n"
      "smlabb r10, r3, lr, r10\n"
      "smlatt r11, r2, r7, r11\n"
      "smlatt r12, r3, lr, r12\n"
      ".set kws_tap, kws_tap + 1\n"
      ".endr\n"
      "pop {r7}\n" KWS_LINES_256 KWS_LINES_256 KWS_LINES_64 KWS_LINES_64
      : "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11), "+r"(r12)
      : "r"(r0), "r"(r1), [taps] "i"(kTaps), [channels] "i"(kChannels), [tap] "i"(kTapStride), [frame] "i"(kFrameStride)
      : "r2", "r3", "lr", "memory");
  a[0] = r4;
  a[1] = r5;
  a[2] = r6;
  a[3] = r8;
  b[0] = r9;
  b[1] = r10;
  b[2] = r11;
  b[3] = r12;
}

// As DepthwiseFourByTwo(), for any number of taps.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline __attribute__((always_inline)) void DepthwiseAllTaps(const int8_t* weights, const int8_t* x, int32_t (&a)[4],
                                                            int32_t (&b)[4]) {
  constexpr int kBlocks = kTaps / kBlockTaps;
  constexpr int kRest = kTaps % kBlockTaps;
  if constexpr (kBlocks != 0) {
    for (int block = 0; block < kBlocks; ++block, weights += kBlockTaps * kChannels, x += kBlockTaps * kTapStride) {
      DepthwiseFourByTwo<kChannels, kBlockTaps, kTapStride, kFrameStride>(weights, x, a, b);
    }
  }
  if constexpr (kRest != 0) DepthwiseFourByTwo<kChannels, kRest, kTapStride, kFrameStride>(weights, x, a, b);
}

template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Rounding kRounding, Clamping kClamping>
inline void DepthwiseTwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  const int32_t* row = tables.requantization;
  const int8_t* weights = tables.weights;
  for (const int32_t* end = row + kChannels; row != end; row += 4, weights += 4, input += 4, output += 4) {
    int32_t a[4] = {row[0], row[1], row[2], row[3]};
    int32_t b[4] = {a[0], a[1], a[2], a[3]};
    DepthwiseAllTaps<kChannels, kTaps, kTapStride, kFrameStride>(weights, input, a, b);
    const int32_t* multiplier = row + kChannels;
    const int32_t* shift = row + 2 * kChannels;
    const auto finish = [&](int i, int32_t sum_a, int32_t sum_b) {
      const int32_t m = multiplier[i], s = shift[i];
      output[i] = Finish<kRounding, kClamping>(sum_a, m, s, range);
      output[kChannels + i] = Finish<kRounding, kClamping>(sum_b, m, s, range);
    };
    finish(0, a[0], b[0]);
    finish(1, a[1], b[1]);
    finish(2, a[2], b[2]);
    finish(3, a[3], b[3]);
  }
}

// One frame, four channels at a time: each word of weights and of rows is unpacked for four products.
template <int kChannels, int kTaps, int kTapStride, Rounding kRounding, Clamping kClamping>
inline void DepthwiseOneFrame(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  static_assert(kChannels % 4 == 0);
  for (int c = 0; c < kChannels; c += 4) {
    const int32_t* row = tables.requantization + c;
    const int8_t* weights = tables.weights + c;
    const int8_t* x = input + c;
    int32_t sums[4] = {row[0], row[1], row[2], row[3]};
    for (int k = 0; k < kTaps; ++k, weights += kChannels, x += kTapStride) {
      const uint32_t word_w = LoadWord(weights), word_x = LoadWord(x);
      const auto even_w = static_cast<int32_t>(ExtendEven(word_w)), even_x = static_cast<int32_t>(ExtendEven(word_x));
      const auto odd_w = static_cast<int32_t>(ExtendOdd(word_w)), odd_x = static_cast<int32_t>(ExtendOdd(word_x));
      sums[0] += static_cast<int16_t>(even_w) * static_cast<int16_t>(even_x);
      sums[1] += static_cast<int16_t>(odd_w) * static_cast<int16_t>(odd_x);
      sums[2] += (even_w >> 16) * (even_x >> 16);
      sums[3] += (odd_w >> 16) * (odd_x >> 16);
    }
    for (int i = 0; i < 4; ++i) {
      output[c + i] = Finish<kRounding, kClamping>(sums[i], row[kChannels + i], row[2 * kChannels + i], range);
    }
  }
}

#elif defined(KWS_AOT_MVE)

// Sums of eight channels of one frame; even and odd channels apart, as widening gives them.
struct EvenOdd {
  int32x4_t even, odd;
};

// Eight channels of two frames, two taps at a time: the products of two taps fit into int16 together, because weights
// are at least -127 (proven by the generator). Assembly, because GCC 12 keeps no hardware loop and spills vectors here.
template <int kChannels, int kTaps, int kTapStride>
inline __attribute__((always_inline)) void DepthwiseEightByTwo(const int8_t* weights, const int8_t* xa,
                                                               const int8_t* xb, EvenOdd& a, EvenOdd& b) {
  if constexpr (kTaps >= 2) {
    const int32x4_t a_even = a.even, a_odd = a.odd, b_even = b.even, b_odd = b.odd;
    register const int8_t* r0 __asm("r0") = weights;
    register const int8_t* r1 __asm("r1") = xa;
    register const int8_t* r2 __asm("r2") = xb;
    register int32x4_t q0 __asm("q0") = a_even;
    register int32x4_t q1 __asm("q1") = a_odd;
    register int32x4_t q2 __asm("q2") = b_even;
    register int32x4_t q3 __asm("q3") = b_odd;
    __asm volatile(
        "movw lr, #%c[pairs]\n"
        "dls lr, lr\n"
        "1:\n"  // q4, q5: weights of two taps; q6, q7: rows, products, widened products
        KWS_LOAD("q4", "r0", "%c[channels]")
        KWS_LOAD("q5", "r0", "%c[channels]")
        KWS_LOAD("q6", "r1", "%c[tap]")
        KWS_LOAD("q7", "r1", "%c[tap]")
        "vmul.i16 q6, q6, q4\n"
        "vmul.i16 q7, q7, q5\n"
        "vadd.i16 q6, q6, q7\n"
        "vmovlb.s16 q7, q6\n"
        "vadd.i32 q0, q0, q7\n"
        "vmovlt.s16 q6, q6\n"
        "vadd.i32 q1, q1, q6\n"
        KWS_LOAD("q6", "r2", "%c[tap]")
        KWS_LOAD("q7", "r2", "%c[tap]")
        "vmul.i16 q6, q6, q4\n"
        "vmul.i16 q7, q7, q5\n"
        "vadd.i16 q6, q6, q7\n"
        "vmovlb.s16 q7, q6\n"
        "vadd.i32 q2, q2, q7\n"
        "vmovlt.s16 q6, q6\n"
        "vadd.i32 q3, q3, q6\n"
        "le lr, 1b\n"
        : "+w"(q0), "+w"(q1), "+w"(q2), "+w"(q3), "+r"(r0), "+r"(r1), "+r"(r2)
        : [pairs] "i"(kTaps / 2), [channels] "i"(kChannels), [tap] "i"(kTapStride)
        : "lr", "q4", "q5", "q6", "q7", "memory");
    a.even = q0;
    a.odd = q1;
    b.even = q2;
    b.odd = q3;
    weights = r0;
    xa = r1;
    xb = r2;
  }
  if constexpr (kTaps % 2 != 0) {
    const int16x8_t last = vldrbq_s16(weights);
    const int16x8_t products_a = vmulq_s16(last, vldrbq_s16(xa));
    const int16x8_t products_b = vmulq_s16(last, vldrbq_s16(xb));
    a.even = vaddq_s32(a.even, vmovlbq_s16(products_a));
    a.odd = vaddq_s32(a.odd, vmovltq_s16(products_a));
    b.even = vaddq_s32(b.even, vmovlbq_s16(products_b));
    b.odd = vaddq_s32(b.odd, vmovltq_s16(products_b));
  }
}

// Requantizes the sums of eight channels and stores them.
template <Clamping kClamping>
inline __attribute__((always_inline)) void FinishEight(const EvenOdd& sum, const int32x4x2_t& multiplier,
                                                       const int32x4x2_t& shift, OutputRange range, int8_t* to) {
  const int32x4_t even = RequantizeUnclamped(sum.even, multiplier.val[0], shift.val[0], range.zero_point);
  const int32x4_t odd = RequantizeUnclamped(sum.odd, multiplier.val[1], shift.val[1], range.zero_point);
  // Saturating to int16 first changes nothing that the clamp would keep.
  int16x8_t result = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(even), even), odd);
  if constexpr (kClamping == Clamping::kInt8) {
    result = vreinterpretq_s16_s8(vqmovnbq_s16(vreinterpretq_s8_s16(result), result));
  } else {
    result = vminq_s16(vmaxq_s16(result, vdupq_n_s16(static_cast<int16_t>(range.min))),
                       vdupq_n_s16(static_cast<int16_t>(range.max)));
  }
  vstrbq_s16(to, result);
}

template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Clamping kClamping>
inline void DepthwiseTwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  for (int c = 0; c < kChannels; c += 8) {
    const int32_t* row = tables.requantization + c;
    const int32x4x2_t bias = vld2q_s32(row);
    EvenOdd sum_a = {bias.val[0], bias.val[1]};
    EvenOdd sum_b = sum_a;
    DepthwiseEightByTwo<kChannels, kTaps, kTapStride>(tables.weights + c, input + c, input + c + kFrameStride, sum_a,
                                                      sum_b);
    const int32x4x2_t multiplier = vld2q_s32(row + kChannels);
    const int32x4x2_t shift = vld2q_s32(row + 2 * kChannels);
    const auto finish = [&](const EvenOdd& sum, int8_t* to) {
      FinishEight<kClamping>(sum, multiplier, shift, range, to);
    };
    finish(sum_a, output + c);
    finish(sum_b, output + kChannels + c);
  }
}

// One frame, four channels at a time; a rest below four by predication.
template <int kChannels, int kTaps, int kTapStride, Clamping kClamping>
inline void DepthwiseOneFrame(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  for (int c = 0; c < kChannels; c += 4) {
    const mve_pred16_t rest = vctp32q(static_cast<uint32_t>(kChannels - c));
    const int32_t* row = tables.requantization + c;
    const int8_t* weights = tables.weights + c;
    const int8_t* x = input + c;
    int32x4_t sum = vldrwq_z_s32(row, rest);
    for (int k = 0; k < kTaps; ++k, weights += kChannels, x += kTapStride) {
      sum = vaddq_s32(sum, vmulq_s32(vldrbq_z_s32(weights, rest), vldrbq_z_s32(x, rest)));
    }
    const int32x4_t multiplier = vldrwq_z_s32(row + kChannels, rest), shift = vldrwq_z_s32(row + 2 * kChannels, rest);
    vstrbq_p_s32(output + c, RequantizeToInt8<kClamping>(sum, multiplier, shift, range), rest);
  }
}

#endif

}  // namespace internal

// output[f][c] = Requantize(sum_k weights[k][c] * (input[f, k][c] - zero point) + bias[c])
//   kTapStride, kFrameStride: tap k of output frame f is the row at input + f * kFrameStride + k * kTapStride, in int8
//           elements. A dilation of d has a tap stride of d rows.
//   tables: weights int8 [kTaps][kChannels]; requantization as in LinearTables, [3][kChannels]
//   output: int8 [kFrames][kChannels], not overlapping the input
template <int kChannels, int kTaps, int kTapStride, int kFrameStride, int kFrames, Rounding kRounding,
          Clamping kClamping>
void Depthwise(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  int frame = 0;
#if defined(KWS_AOT_DSP)
  if constexpr (kFrames >= 2 && internal::kImmediateOffsets<kChannels, kTaps, kTapStride, kFrameStride>) {
    for (; frame + 2 <= kFrames; frame += 2) {
      internal::DepthwiseTwoFrames<kChannels, kTaps, kTapStride, kFrameStride, kRounding, kClamping>(
          tables, range, input + frame * kFrameStride, output + frame * kChannels);
    }
  }
  if constexpr (kChannels % 4 == 0) {
    for (; frame < kFrames; ++frame) {
      internal::DepthwiseOneFrame<kChannels, kTaps, kTapStride, kRounding, kClamping>(
          tables, range, input + frame * kFrameStride, output + frame * kChannels);
    }
  }
#elif defined(KWS_AOT_MVE)
  if constexpr (kFrames >= 2 && kChannels % 8 == 0 && kTapStride <= 4095 && kChannels <= 4095 &&
                kRounding == Rounding::kFast) {
    for (; frame + 2 <= kFrames; frame += 2) {
      internal::DepthwiseTwoFrames<kChannels, kTaps, kTapStride, kFrameStride, kClamping>(
          tables, range, input + frame * kFrameStride, output + frame * kChannels);
    }
  }
  if constexpr (kRounding == Rounding::kFast) {
    for (; frame < kFrames; ++frame) {
      internal::DepthwiseOneFrame<kChannels, kTaps, kTapStride, kClamping>(tables, range, input + frame * kFrameStride,
                                                                           output + frame * kChannels);
    }
  }
#endif
  for (; frame < kFrames; ++frame) {
    for (int c = 0; c < kChannels; ++c) {
      const int32_t* row = tables.requantization + c;
      const int8_t* x = input + frame * kFrameStride + c;
      int32_t sum = row[0];
      for (int k = 0; k < kTaps; ++k) sum += tables.weights[k * kChannels + c] * x[k * kTapStride];
      output[frame * kChannels + c] =
          internal::Finish<kRounding, kClamping>(sum, row[kChannels], row[2 * kChannels], range);
    }
  }
}

}  // namespace kws::aot
