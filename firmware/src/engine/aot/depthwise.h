// Depthwise convolution along time, on rows of channels.
#pragma once

#include <cstdint>

#include "engine/aot/pointwise.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Where the rows of a depthwise convolution lie, in int8 elements: tap k of output frame f is at
// input + f * frame_stride + k * tap_stride. A dilation of d has a tap stride of d rows.
struct TapStrides {
  int tap_stride;
  int frame_stride;
};

// output[f][c] = Requantize(sum_k weights[k][c] * (input[f, k][c] - zero point) + bias[c])
//   tables: weights int8 [kTaps][kChannels]; requantization as in LinearTables, [3][kChannels]
//   output: int8 [frames][kChannels], not overlapping the input
template <int kChannels, int kTaps, Rounding kRounding>
void Depthwise(const LinearTables& tables, OutputRange range, const int8_t* input, TapStrides strides, int frames,
               int8_t* output) {
  for (int frame = 0; frame < frames; ++frame) {
    for (int c = 0; c < kChannels; ++c) {
      const int32_t* row = tables.requantization + c;
      const int8_t* x = input + frame * strides.frame_stride + c;
      int32_t sum = row[0];
      for (int k = 0; k < kTaps; ++k) sum += tables.weights[k * kChannels + c] * x[k * strides.tap_stride];
      output[frame * kChannels + c] = internal::FinishScalar<kChannels, kRounding>(sum, row, range);
    }
  }
}

}  // namespace kws::aot
