// Depthwise convolution along time, on rows of channels.
#pragma once

#include <cstdint>

#include "engine/aot/pointwise.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

namespace internal {

#if defined(KWS_AOT_DSP)

// Four channels of two frames: each word of weights is unpacked once for both.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Rounding kRounding>
inline void DepthwiseTwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* a,
                               int8_t* b) {
  for (int c = 0; c < kChannels; c += 4) {
    const int32_t* row = tables.requantization + c;
    int32_t a0 = row[0], a1 = row[1], a2 = row[2], a3 = row[3];
    int32_t b0 = a0, b1 = a1, b2 = a2, b3 = a3;
    const int8_t* x = input + c;
    const int8_t* w = tables.weights + c;
#pragma GCC unroll 32
    for (int k = 0; k < kTaps; ++k) {
      const uint32_t word = LoadWord(w + k * kChannels);
      const uint32_t even = ExtendEven(word);
      const uint32_t odd = ExtendOdd(word);
      const uint32_t word_a = LoadWord(x + k * kTapStride);
      const uint32_t even_a = ExtendEven(word_a);
      const uint32_t odd_a = ExtendOdd(word_a);
      a0 = MultiplyLow(even, even_a, a0);
      a1 = MultiplyLow(odd, odd_a, a1);
      a2 = MultiplyHigh(even, even_a, a2);
      a3 = MultiplyHigh(odd, odd_a, a3);
      const uint32_t word_b = LoadWord(x + k * kTapStride + kFrameStride);
      const uint32_t even_b = ExtendEven(word_b);
      const uint32_t odd_b = ExtendOdd(word_b);
      b0 = MultiplyLow(even, even_b, b0);
      b1 = MultiplyLow(odd, odd_b, b1);
      b2 = MultiplyHigh(even, even_b, b2);
      b3 = MultiplyHigh(odd, odd_b, b3);
    }
    a[c] = FinishScalar<kChannels, kRounding>(a0, row, range);
    b[c] = FinishScalar<kChannels, kRounding>(b0, row, range);
    a[c + 1] = FinishScalar<kChannels, kRounding>(a1, row + 1, range);
    b[c + 1] = FinishScalar<kChannels, kRounding>(b1, row + 1, range);
    a[c + 2] = FinishScalar<kChannels, kRounding>(a2, row + 2, range);
    b[c + 2] = FinishScalar<kChannels, kRounding>(b2, row + 2, range);
    a[c + 3] = FinishScalar<kChannels, kRounding>(a3, row + 3, range);
    b[c + 3] = FinishScalar<kChannels, kRounding>(b3, row + 3, range);
  }
}

#elif defined(KWS_AOT_MVE)

// Four channels of two frames, one channel a lane.
template <int kChannels, int kTaps, int kTapStride, int kFrameStride>
inline void DepthwiseTwoFrames(const LinearTables& tables, OutputRange range, const int8_t* input, int8_t* a,
                               int8_t* b) {
  for (int c = 0; c < kChannels; c += 4) {
    const int32_t* row = tables.requantization + c;
    const int8_t* x = input + c;
    const int8_t* w = tables.weights + c;
    int32x4_t sum_a = vldrwq_s32(row);
    int32x4_t sum_b = sum_a;
#pragma GCC unroll 32
    for (int k = 0; k < kTaps; ++k) {
      const int32x4_t weights = vldrbq_s32(w + k * kChannels);
      sum_a = vaddq_s32(sum_a, vmulq_s32(weights, vldrbq_s32(x + k * kTapStride)));
      sum_b = vaddq_s32(sum_b, vmulq_s32(weights, vldrbq_s32(x + k * kTapStride + kFrameStride)));
    }
    const int32x4_t multiplier = vldrwq_s32(row + kChannels);
    const int32x4_t shift = vldrwq_s32(row + 2 * kChannels);
    vstrbq_s32(a + c, RequantizeToInt8(sum_a, multiplier, shift, range));
    vstrbq_s32(b + c, RequantizeToInt8(sum_b, multiplier, shift, range));
  }
}

#endif

}  // namespace internal

// output[f][c] = Requantize(sum_k weights[k][c] * (input[f, k][c] - zero point) + bias[c])
//   kTapStride, kFrameStride: tap k of output frame f is the row at input + f * kFrameStride + k * kTapStride, in int8
//           elements. A dilation of d has a tap stride of d rows.
//   tables: weights int8 [kTaps][kChannels]; requantization as in LinearTables, [3][kChannels]
//   output: int8 [frames][kChannels], not overlapping the input
template <int kChannels, int kTaps, int kTapStride, int kFrameStride, Rounding kRounding>
void Depthwise(const LinearTables& tables, OutputRange range, const int8_t* input, int frames, int8_t* output) {
  int frame = 0;
#if defined(KWS_AOT_DSP)
  if constexpr (kChannels % 4 == 0) {
    for (; frame + 2 <= frames; frame += 2) {
      int8_t* first = output + frame * kChannels;
      internal::DepthwiseTwoFrames<kChannels, kTaps, kTapStride, kFrameStride, kRounding>(
          tables, range, input + frame * kFrameStride, first, first + kChannels);
    }
  }
#elif defined(KWS_AOT_MVE)
  if constexpr (kChannels % 4 == 0 && kRounding == Rounding::kFast) {
    for (; frame + 2 <= frames; frame += 2) {
      int8_t* first = output + frame * kChannels;
      internal::DepthwiseTwoFrames<kChannels, kTaps, kTapStride, kFrameStride>(
          tables, range, input + frame * kFrameStride, first, first + kChannels);
    }
  }
#endif
  for (; frame < frames; ++frame) {
    for (int c = 0; c < kChannels; ++c) {
      const int32_t* row = tables.requantization + c;
      const int8_t* x = input + frame * kFrameStride + c;
      int32_t sum = row[0];
      for (int k = 0; k < kTaps; ++k) sum += tables.weights[k * kChannels + c] * x[k * kTapStride];
      output[frame * kChannels + c] = internal::FinishScalar<kChannels, kRounding>(sum, row, range);
    }
  }
}

}  // namespace kws::aot
