// Depthwise convolution along time, on rows of channels.
#pragma once

#include <cstdint>

#include "engine/aot/pointwise.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

namespace internal {

#if defined(KWS_AOT_DSP)

// Whether the offset of every tap fits into a load instruction.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
constexpr bool kImmediateOffsets = kChannels % 4 == 0 && (kTaps - 1) * kChannels <= 4095 &&
                                   (kTaps - 1) * kTapStride + kFrameStride <= 4095;

// Sums of four channels of two frames: each word of weights is unpacked once for both. Unrolled assembly, because
// GCC 12 spills here: eight sums and six other values just fit into the registers.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline __attribute__((always_inline)) void DepthwiseFourByTwo(const int8_t* weights, const int8_t* x, int32_t& a0,
                                                              int32_t& a1, int32_t& a2, int32_t& a3, int32_t& b0,
                                                              int32_t& b1, int32_t& b2, int32_t& b3) {
  uint32_t even, odd, even_x, odd_x;
  __asm volatile(
      ".set kws_tap, 0\n"
      ".rept %c[taps]\n"
      "ldr %[odd], [%[w], #(kws_tap * %c[channels])]\n"
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
inline void DepthwiseTwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* output) {
  const int32_t* row = tables.requantization;
  const int8_t* weights = tables.weights;
  for (const int32_t* end = row + kChannels; row != end; row += 4, weights += 4, input += 4, output += 4) {
    int32_t a0 = row[0], a1 = row[1], a2 = row[2], a3 = row[3];
    int32_t b0 = a0, b1 = a1, b2 = a2, b3 = a3;
    DepthwiseFourByTwo<kChannels, kTaps, kTapStride, kFrameStride>(weights, input, a0, a1, a2, a3, b0, b1, b2, b3);
    const int32_t* multiplier = row + kChannels;
    const int32_t* shift = row + 2 * kChannels;
    const auto finish = [&](int i, int32_t sum_a, int32_t sum_b) {
      const int32_t m = multiplier[i], s = shift[i];
      output[i] = Finish<kRounding, kClamping>(sum_a, m, s, range);
      output[kChannels + i] = Finish<kRounding, kClamping>(sum_b, m, s, range);
    };
    finish(0, a0, b0);
    finish(1, a1, b1);
    finish(2, a2, b2);
    finish(3, a3, b3);
  }
}

#elif defined(KWS_AOT_MVE)

// Sums of eight channels of one frame; even and odd channels apart, as widening gives them.
struct EvenOdd {
  int32x4_t even, odd;
};

// A load that moves its pointer on; strides that do not fit into the load take an addition.
#define KWS_LOAD(vector, pointer, stride)               \
  ".if " stride " <= 127\n"                             \
  "vldrb.s16 " vector ", [" pointer "], #" stride "\n"  \
  ".else\n"                                             \
  "vldrb.s16 " vector ", [" pointer "]\n"               \
  "add " pointer ", " pointer ", #" stride "\n"         \
  ".endif\n"

// Eight channels of two frames, two taps at a time: the products of two taps fit into int16 together, because weights
// are at least -127 (proven by the generator). Assembly, because GCC 12 keeps no hardware loop and spills vectors here.
template <int kChannels, int kTaps, int kTapStride>
inline __attribute__((always_inline)) void DepthwiseEightByTwo(const int8_t* weights, const int8_t* xa,
                                                               const int8_t* xb, EvenOdd& a, EvenOdd& b) {
  if constexpr (kTaps >= 2) {
    __asm volatile(
        "dls lr, %[pairs]\n"
        "1:\n"  // q4, q5: weights of two taps; q6, q7: rows, products, widened products
        KWS_LOAD("q4", "%[w]", "%c[channels]")
        KWS_LOAD("q5", "%[w]", "%c[channels]")
        KWS_LOAD("q6", "%[xa]", "%c[tap]")
        KWS_LOAD("q7", "%[xa]", "%c[tap]")
        "vmul.i16 q6, q6, q4\n"
        "vmul.i16 q7, q7, q5\n"
        "vadd.i16 q6, q6, q7\n"
        "vmovlb.s16 q7, q6\n"
        "vadd.i32 %q[a_even], %q[a_even], q7\n"
        "vmovlt.s16 q6, q6\n"
        "vadd.i32 %q[a_odd], %q[a_odd], q6\n"
        KWS_LOAD("q6", "%[xb]", "%c[tap]")
        KWS_LOAD("q7", "%[xb]", "%c[tap]")
        "vmul.i16 q6, q6, q4\n"
        "vmul.i16 q7, q7, q5\n"
        "vadd.i16 q6, q6, q7\n"
        "vmovlb.s16 q7, q6\n"
        "vadd.i32 %q[b_even], %q[b_even], q7\n"
        "vmovlt.s16 q6, q6\n"
        "vadd.i32 %q[b_odd], %q[b_odd], q6\n"
        "le lr, 1b\n"
        : [a_even] "+w"(a.even), [a_odd] "+w"(a.odd), [b_even] "+w"(b.even), [b_odd] "+w"(b.odd), [w] "+l"(weights),
          [xa] "+l"(xa), [xb] "+l"(xb)
        : [pairs] "r"(kTaps / 2), [channels] "i"(kChannels), [tap] "i"(kTapStride)
        : "lr", "q4", "q5", "q6", "q7", "memory");
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

#undef KWS_LOAD

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
#elif defined(KWS_AOT_MVE)
  if constexpr (kFrames >= 2 && kChannels % 8 == 0 && kTapStride <= 4095 && kChannels <= 4095 &&
                kRounding == Rounding::kFast) {
    for (; frame + 2 <= kFrames; frame += 2) {
      internal::DepthwiseTwoFrames<kChannels, kTaps, kTapStride, kFrameStride, kClamping>(
          tables, range, input + frame * kFrameStride, output + frame * kChannels);
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
