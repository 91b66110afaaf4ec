// Dot products of int16 frames with rows of int8 weights: 1x1 convolution, also over whole rows, and dense layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/linear_int16.h"

namespace kws::aot {

// Frames of a step, elements from one to the next, and elements of a frame before and after.
struct DenseInt16Sizes {
  int32_t frames, input_stride;
  int32_t inputs, outputs;
};

// Bytes of weights that DenseInt16() reads.
constexpr size_t DenseInt16WeightsBytes(int32_t inputs, int32_t outputs) {
  return static_cast<size_t>(inputs) * outputs;
}

// output[f][o] = requantized bias[o] + sum over i of weights[o][i] * input[f * input_stride + i].
//   tables: weights [outputs][inputs]
//   output: int16 [frames][outputs], not overlapping the input
template <typename Sum, RoundingInt16 kRounding>
void DenseInt16(const DenseInt16Sizes& sizes, const LinearInt16Tables<Sum>& tables, OutputRange range,
                const int16_t* input, int16_t* output) {
  constexpr int kRows = 4;  // at once: each value is loaded once for all of them
  const int32_t* multipliers = tables.factors;
  const int32_t* shifts = tables.factors + sizes.outputs;
  for (int frame = 0; frame < sizes.frames; ++frame, input += sizes.input_stride, output += sizes.outputs) {
    const int8_t* weights = tables.weights;
    int o = 0;
    for (; o + kRows <= sizes.outputs; o += kRows, weights += kRows * sizes.inputs) {
      Sum sums[kRows];
      for (int row = 0; row < kRows; ++row) sums[row] = tables.bias[o + row];
      internal::AddDotProducts<kRows>(input, weights, sizes.inputs, sizes.inputs, sums);
      for (int row = 0; row < kRows; ++row) {
        output[o + row] =
            internal::FinishInt16<Sum, kRounding>(sums[row], multipliers[o + row], shifts[o + row], range);
      }
    }
    for (; o < sizes.outputs; ++o, weights += sizes.inputs) {
      Sum sum = tables.bias[o];
      internal::AddDotProducts<1>(input, weights, sizes.inputs, sizes.inputs, &sum);
      output[o] = internal::FinishInt16<Sum, kRounding>(sum, multipliers[o], shifts[o], range);
    }
  }
}

}  // namespace kws::aot
