// Depthwise convolution along time with 4-bit weights, which stay packed in flash.
//
// A byte holds one channel's weights of two taps, both in two's complement: tap 2p in the low half, tap 2p + 1 in the
// high half. Kernels of odd length have a zero there at the end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/depthwise.h"
#include "engine/aot/instructions.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Bytes of weights that DepthwiseInt4() reads: two taps a byte.
constexpr size_t DepthwiseInt4WeightsBytes(int channels, int taps) {
  return static_cast<size_t>(channels) * ((taps + 1) / 2);
}

namespace internal {

#if defined(KWS_AOT_DSP)

// As DepthwiseFourByTwo(); the sums grow by 16 times the products, since weights are taken out of the upper halves of
// bytes. No register is left to keep a word of weights for its second tap: it is loaded again.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline __attribute__((always_inline)) void DepthwiseInt4FourByTwo(const int8_t* weights, const int8_t* x,
                                                                  int32_t (&a)[4], int32_t (&b)[4]) {
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
      "ldr r3, [r0, #(kws_tap / 2 * %c[channels])]\n"
      ".if kws_tap %% 2 == 0\n"
      "lsl r3, r3, #4\n"
      ".endif\n"
      "and r3, r3, #0xf0f0f0f0\n"
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
      "pop {r7}\n" KWS_LINES_256 KWS_LINES_256 KWS_LINES_64 KWS_LINES_64 KWS_LINES_64
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

// As DepthwiseInt4FourByTwo(), for any number of taps.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline __attribute__((always_inline)) void DepthwiseInt4AllTaps(const int8_t* weights, const int8_t* x, int32_t (&a)[4],
                                                                int32_t (&b)[4]) {
  constexpr int kBlocks = kTaps / kBlockTaps;
  constexpr int kRest = kTaps % kBlockTaps;
  if constexpr (kBlocks != 0) {
    for (int block = 0; block < kBlocks; ++block, weights += kBlockTaps / 2 * kChannels, x += kBlockTaps * kTapStride) {
      DepthwiseInt4FourByTwo<kChannels, kBlockTaps, kTapStride, kFrameStride>(weights, x, a, b);
    }
  }
  if constexpr (kRest != 0) DepthwiseInt4FourByTwo<kChannels, kRest, kTapStride, kFrameStride>(weights, x, a, b);
}

template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Rounding kRounding, Clamping kClamping>
inline void DepthwiseInt4TwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  const int32_t* row = tables.requantization;
  const int8_t* weights = tables.weights;
  for (const int32_t* end = row + kChannels; row != end; row += 4, weights += 4, input += 4, output += 4) {
    int32_t a[4] = {}, b[4] = {};
    DepthwiseInt4AllTaps<kChannels, kTaps, kTapStride, kFrameStride>(weights, input, a, b);
    const int32_t* multiplier = row + kChannels;
    const int32_t* shift = row + 2 * kChannels;
    const auto finish = [&](int i, int32_t sum_a, int32_t sum_b) {
      const int32_t bias = row[i], m = multiplier[i], s = shift[i];
      output[i] = Finish<kRounding, kClamping>(bias + (sum_a >> 4), m, s, range);
      output[kChannels + i] = Finish<kRounding, kClamping>(bias + (sum_b >> 4), m, s, range);
    };
    finish(0, a[0], b[0]);
    finish(1, a[1], b[1]);
    finish(2, a[2], b[2]);
    finish(3, a[3], b[3]);
  }
}

#elif defined(KWS_AOT_MVE)

// Adds the products of eight channels, two frames and kPairs pairs of taps to int16 sums: up to 31 products of at most
// 2^10 fit, so that nothing is widened here. Assembly, because GCC 12 keeps no hardware loop and spills vectors here.
template <int kChannels, int kTapStride, int kPairs>
inline __attribute__((always_inline)) void DepthwiseInt4Pairs(const int8_t*& weights, const int8_t*& xa,
                                                              const int8_t*& xb, int16x8_t& a, int16x8_t& b) {
  static_assert(kPairs <= 15);
  const int16x8_t a_in = a, b_in = b;
  const int8_t* const weights_in = weights;
  const int8_t* const xa_in = xa;
  const int8_t* const xb_in = xb;
  register const int8_t* r0 __asm("r0") = weights_in;
  register const int8_t* r1 __asm("r1") = xa_in;
  register const int8_t* r2 __asm("r2") = xb_in;
  register int16x8_t q0 __asm("q0") = a_in;
  register int16x8_t q1 __asm("q1") = b_in;
  __asm volatile(
      "movw lr, #%c[pairs]\n"
      "dls lr, lr\n"
      "1:\n"  // q4, q5: weights of two taps; q6, q7: rows, products
      KWS_LOAD("q4", "r0", "%c[channels]")
      "vshr.s16 q5, q4, #4\n"
      "vshl.i16 q4, q4, #12\n"
      "vshr.s16 q4, q4, #12\n"
      KWS_LOAD("q6", "r1", "%c[tap]")
      KWS_LOAD("q7", "r1", "%c[tap]")
      "vmul.i16 q6, q6, q4\n"
      "vmul.i16 q7, q7, q5\n"
      "vadd.i16 q0, q0, q6\n"
      "vadd.i16 q0, q0, q7\n"
      KWS_LOAD("q6", "r2", "%c[tap]")
      KWS_LOAD("q7", "r2", "%c[tap]")
      "vmul.i16 q6, q6, q4\n"
      "vmul.i16 q7, q7, q5\n"
      "vadd.i16 q1, q1, q6\n"
      "vadd.i16 q1, q1, q7\n"
      "le lr, 1b\n"
      : "+w"(q0), "+w"(q1), "+r"(r0), "+r"(r1), "+r"(r2)
      : [pairs] "i"(kPairs), [channels] "i"(kChannels), [tap] "i"(kTapStride)
      : "lr", "q4", "q5", "q6", "q7", "memory");
  a = q0;
  b = q1;
  weights = r0;
  xa = r1;
  xb = r2;
}

inline __attribute__((always_inline)) void Widen(int16x8_t sum, EvenOdd& to) {
  to.even = vaddq_s32(to.even, vmovlbq_s16(sum));
  to.odd = vaddq_s32(to.odd, vmovltq_s16(sum));
}

// Eight channels of two frames: int16 sums over up to 30 taps, and one more where the kernel ends.
template <int kChannels, int kTaps, int kTapStride>
inline __attribute__((always_inline)) void DepthwiseInt4EightByTwo(const int8_t* weights, const int8_t* xa,
                                                                   const int8_t* xb, EvenOdd& sum_a, EvenOdd& sum_b) {
  constexpr int kPairs = kTaps / 2;
  constexpr int kLastPairs = kPairs % 15;
  for (int block = 0; block < kPairs / 15; ++block) {
    int16x8_t a = vdupq_n_s16(0), b = vdupq_n_s16(0);
    DepthwiseInt4Pairs<kChannels, kTapStride, 15>(weights, xa, xb, a, b);
    Widen(a, sum_a);
    Widen(b, sum_b);
  }
  if constexpr (kLastPairs != 0 || kTaps % 2 != 0) {
    int16x8_t a = vdupq_n_s16(0), b = vdupq_n_s16(0);
    if constexpr (kLastPairs != 0) DepthwiseInt4Pairs<kChannels, kTapStride, kLastPairs>(weights, xa, xb, a, b);
    if constexpr (kTaps % 2 != 0) {
      // The upper half of the byte is zero, so that bit 3 is the sign.
      const int16x8_t last = vshrq_n_s16(vshlq_n_s16(vldrbq_s16(weights), 12), 12);
      a = vaddq_s16(a, vmulq_s16(last, vldrbq_s16(xa)));
      b = vaddq_s16(b, vmulq_s16(last, vldrbq_s16(xb)));
    }
    Widen(a, sum_a);
    Widen(b, sum_b);
  }
}

template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Clamping kClamping>
inline void DepthwiseInt4TwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  for (int c = 0; c < kChannels; c += 8) {
    const int32_t* row = tables.requantization + c;
    const int32x4x2_t bias = vld2q_s32(row);
    EvenOdd sum_a = {bias.val[0], bias.val[1]};
    EvenOdd sum_b = sum_a;
    DepthwiseInt4EightByTwo<kChannels, kTaps, kTapStride>(tables.weights + c, input + c, input + c + kFrameStride,
                                                          sum_a, sum_b);
    const int32x4x2_t multiplier = vld2q_s32(row + kChannels);
    const int32x4x2_t shift = vld2q_s32(row + 2 * kChannels);
    const auto finish = [&](const EvenOdd& sum, int8_t* to) {
      FinishEight<kClamping>(sum, multiplier, shift, range, to);
    };
    finish(sum_a, output + c);
    finish(sum_b, output + kChannels + c);
  }
}

#endif

}  // namespace internal

// As Depthwise(), with 4-bit weights.
//   tables: weights int8 [(kTaps + 1) / 2][kChannels], packed as above (by kws_codegen's pack_taps); requantization
//           as in LinearTables
template <int kChannels, int kTaps, int kTapStride, int kFrameStride, int kFrames, Rounding kRounding,
          Clamping kClamping>
void DepthwiseInt4(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  int frame = 0;
#if defined(KWS_AOT_DSP)
  if constexpr (kFrames >= 2 && internal::kImmediateOffsets<kChannels, kTaps, kTapStride, kFrameStride>) {
    for (; frame + 2 <= kFrames; frame += 2) {
      internal::DepthwiseInt4TwoFrames<kChannels, kTaps, kTapStride, kFrameStride, kRounding, kClamping>(
          tables, range, input + frame * kFrameStride, output + frame * kChannels);
    }
  }
#elif defined(KWS_AOT_MVE)
  if constexpr (kFrames >= 2 && kChannels % 8 == 0 && kTapStride <= 4095 && kChannels <= 4095 &&
                kRounding == Rounding::kFast) {
    for (; frame + 2 <= kFrames; frame += 2) {
      internal::DepthwiseInt4TwoFrames<kChannels, kTaps, kTapStride, kFrameStride, kClamping>(
          tables, range, input + frame * kFrameStride, output + frame * kChannels);
    }
  }
#endif
  for (; frame < kFrames; ++frame) {
    for (int c = 0; c < kChannels; ++c) {
      const int32_t* row = tables.requantization + c;
      const int8_t* weights = tables.weights + c;
      const int8_t* x = input + frame * kFrameStride + c;
      int32_t sum = row[0];
      for (int k = 0; k < kTaps; k += 2, weights += kChannels, x += 2 * kTapStride) {
        sum += (((*weights & 15) ^ 8) - 8) * x[0];
        if (k + 1 < kTaps) sum += (*weights >> 4) * x[kTapStride];
      }
      output[frame * kChannels + c] =
          internal::Finish<kRounding, kClamping>(sum, row[kChannels], row[2 * kChannels], range);
    }
  }
}

}  // namespace kws::aot
