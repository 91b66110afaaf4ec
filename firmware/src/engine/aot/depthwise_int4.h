// Depthwise convolution along time with 4-bit weights, which stay packed in flash.
//
// A byte holds one channel's weights of two taps, both in two's complement: tap 2p in the low half, tap 2p + 1 in the
// high half. Kernels of odd length have a zero there at the end.
#pragma once

#include <cstdint>

#include "engine/aot/depthwise.h"
#include "engine/aot/pointwise.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

namespace internal {

#if defined(KWS_AOT_DSP)

// Sums of four channels of two frames, 16 times too large: weights are taken out of the upper halves of bytes. Unrolled
// assembly, because GCC 12 spills here: eight sums and six other values just fit into the registers, so that a word of
// weights is loaded again for its second tap.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline __attribute__((always_inline)) void DepthwiseInt4FourByTwo(const int8_t* weights, const int8_t* x, int32_t& a0,
                                                                  int32_t& a1, int32_t& a2, int32_t& a3, int32_t& b0,
                                                                  int32_t& b1, int32_t& b2, int32_t& b3) {
  uint32_t even, odd, even_x, odd_x;
  __asm volatile(
      ".set kws_tap, 0\n"
      ".rept %c[taps]\n"
      "ldr %[odd], [%[w], #(kws_tap / 2 * %c[channels])]\n"
      ".if kws_tap %% 2 == 0\n"
      "lsl %[odd], %[odd], #4\n"
      ".endif\n"
      "and %[odd], %[odd], #0xf0f0f0f0\n"
      "sxtb16 %[even], %[odd]\n"
      "sxtb16 %[odd], %[odd], ror #8\n"
      "ldr %[odd_x], [%[x], #(kws_tap * %c[tap])]\n"
      "sxtb16 %[even_x], %[odd_x]\n"
      "sxtb16 %[odd_x], %[odd_x], ror #8\n"
      "smlabb %[a0], %[even], %[even_x], %[a0]\n"
      "smlabb %[a1], %[odd], %[odd_x], %[a1]\n"
      "smlatt %[a2], %[even], %[even_x], %[a2]\n"
      "smlatt %[a3], %[odd], %[odd_x], %[a3]\n"
      "ldr %[odd_x], [%[x], #(kws_tap * %c[tap] + %c[frame])]\n"
      "sxtb16 %[even_x], %[odd_x]\n"
      "sxtb16 %[odd_x], %[odd_x], ror #8\n"
      "smlabb %[b0], %[even], %[even_x], %[b0]\n"
      "smlabb %[b1], %[odd], %[odd_x], %[b1]\n"
      "smlatt %[b2], %[even], %[even_x], %[b2]\n"
      "smlatt %[b3], %[odd], %[odd_x], %[b3]\n"
      ".set kws_tap, kws_tap + 1\n"
      ".endr\n"
      : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [b0] "+r"(b0), [b1] "+r"(b1), [b2] "+r"(b2),
        [b3] "+r"(b3), [even] "=&r"(even), [odd] "=&r"(odd), [even_x] "=&r"(even_x), [odd_x] "=&r"(odd_x)
      : [w] "r"(weights), [x] "r"(x), [taps] "i"(kTaps), [channels] "i"(kChannels), [tap] "i"(kTapStride),
        [frame] "i"(kFrameStride)
      : "memory");
}

template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Rounding kRounding, Clamping kClamping>
inline void DepthwiseInt4TwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input,
                                   int8_t* output) {
  const int32_t* row = tables.requantization;
  const int8_t* weights = tables.weights;
  for (const int32_t* end = row + kChannels; row != end; row += 4, weights += 4, input += 4, output += 4) {
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    int32_t b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    DepthwiseInt4FourByTwo<kChannels, kTaps, kTapStride, kFrameStride>(weights, input, a0, a1, a2, a3, b0, b1, b2, b3);
    const int32_t* multiplier = row + kChannels;
    const int32_t* shift = row + 2 * kChannels;
    const auto finish = [&](int i, int32_t sum_a, int32_t sum_b) {
      const int32_t bias = row[i], m = multiplier[i], s = shift[i];
      output[i] = Finish<kRounding, kClamping>(bias + (sum_a >> 4), m, s, range);
      output[kChannels + i] = Finish<kRounding, kClamping>(bias + (sum_b >> 4), m, s, range);
    };
    finish(0, a0, b0);
    finish(1, a1, b1);
    finish(2, a2, b2);
    finish(3, a3, b3);
  }
}

#elif defined(KWS_AOT_MVE)

// A load that moves its pointer on; strides that do not fit into the load take an addition.
#define KWS_LOAD(vector, pointer, stride)               \
  ".if " stride " <= 127\n"                             \
  "vldrb.s16 " vector ", [" pointer "], #" stride "\n"  \
  ".else\n"                                             \
  "vldrb.s16 " vector ", [" pointer "]\n"               \
  "add " pointer ", " pointer ", #" stride "\n"         \
  ".endif\n"

// Adds the products of eight channels, two frames and kPairs pairs of taps to int16 sums: up to 31 products of at most
// 2^10 fit, so that nothing is widened here. Assembly, because GCC 12 keeps no hardware loop and spills vectors here.
template <int kChannels, int kTapStride, int kPairs>
inline __attribute__((always_inline)) void DepthwiseInt4Pairs(const int8_t*& weights, const int8_t*& xa,
                                                              const int8_t*& xb, int16x8_t& a, int16x8_t& b) {
  static_assert(kPairs <= 15);
  __asm volatile(
      "dls lr, %[pairs]\n"
      "1:\n"  // q4, q5: weights of two taps; q6, q7: rows, products
      KWS_LOAD("q4", "%[w]", "%c[channels]")
      "vshr.s16 q5, q4, #4\n"
      "vshl.i16 q4, q4, #12\n"
      "vshr.s16 q4, q4, #12\n"
      KWS_LOAD("q6", "%[xa]", "%c[tap]")
      KWS_LOAD("q7", "%[xa]", "%c[tap]")
      "vmul.i16 q6, q6, q4\n"
      "vmul.i16 q7, q7, q5\n"
      "vadd.i16 %q[a], %q[a], q6\n"
      "vadd.i16 %q[a], %q[a], q7\n"
      KWS_LOAD("q6", "%[xb]", "%c[tap]")
      KWS_LOAD("q7", "%[xb]", "%c[tap]")
      "vmul.i16 q6, q6, q4\n"
      "vmul.i16 q7, q7, q5\n"
      "vadd.i16 %q[b], %q[b], q6\n"
      "vadd.i16 %q[b], %q[b], q7\n"
      "le lr, 1b\n"
      : [a] "+w"(a), [b] "+w"(b), [w] "+l"(weights), [xa] "+l"(xa), [xb] "+l"(xb)
      : [pairs] "r"(kPairs), [channels] "i"(kChannels), [tap] "i"(kTapStride)
      : "lr", "q4", "q5", "q6", "q7", "memory");
}

#undef KWS_LOAD

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
inline void DepthwiseInt4TwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input,
                                   int8_t* output) {
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
//   tables: weights int8 [(kTaps + 1) / 2][kChannels], packed as above (kws_codegen/pack.py, pack_taps); requantization
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
