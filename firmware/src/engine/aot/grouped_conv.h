// Convolution over rows and columns whose channels are convolved in groups, each with outputs of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/linear_tables.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Shapes of a convolution with batch 1 over int8 [in_h][in_w][groups][group_inputs].
struct GroupedConvGeometry {
  int32_t in_h, in_w;
  int32_t groups, group_inputs, group_outputs;
  int32_t kernel_h, kernel_w;
  int32_t out_h, out_w;
  int32_t stride_h, stride_w;
  int32_t pad_h, pad_w;  // rows above, columns to the left
  int32_t dilation_h, dilation_w;
};

// Bytes of weights that GroupedConv() reads.
constexpr size_t GroupedConvWeightsBytes(const GroupedConvGeometry& g) {
  return static_cast<size_t>(g.groups) * g.group_outputs * g.kernel_h * g.kernel_w * g.group_inputs;
}

namespace internal {

// Sum of one output's products; `input` is the first channel of its group, `top` and `left` where the kernel begins.
inline int32_t SumOfGroup(const GroupedConvGeometry& g, int32_t input_zero_point, const int8_t* input, int32_t top,
                          int32_t left, const int8_t* weights) {
  int32_t sum = 0;
  for (int y = 0; y < g.kernel_h; ++y) {
    for (int x = 0; x < g.kernel_w; ++x, weights += g.group_inputs) {
      const int32_t row = top + y * g.dilation_h;
      const int32_t column = left + x * g.dilation_w;
      if (row < 0 || row >= g.in_h || column < 0 || column >= g.in_w) continue;  // padding is real zero
      const int8_t* values = input + (row * g.in_w + column) * g.groups * g.group_inputs;
      for (int i = 0; i < g.group_inputs; ++i) sum += weights[i] * (values[i] - input_zero_point);
    }
  }
  return sum;
}

}  // namespace internal

// output: int8 [out_h][out_w][groups][group_outputs], not overlapping the input.
//   tables: weights [groups * group_outputs][kernel_h][kernel_w][group_inputs]; requantization [3][outputs] = bias
//           (nothing folded), multiplier Q31, shift positive to the left
inline void GroupedConv(const GroupedConvGeometry& g, const LinearTables& tables, int32_t input_zero_point,
                        OutputRange range, const int8_t* input, int8_t* output) {
  const int32_t outputs = g.groups * g.group_outputs;
  const int32_t row_bytes = g.kernel_h * g.kernel_w * g.group_inputs;
  const int32_t* bias = tables.requantization;
  for (int y = 0; y < g.out_h; ++y) {
    for (int x = 0; x < g.out_w; ++x) {
      for (int o = 0; o < outputs; ++o) {
        const int8_t* group = input + o / g.group_outputs * g.group_inputs;
        const int32_t top = y * g.stride_h - g.pad_h;
        const int32_t left = x * g.stride_w - g.pad_w;
        const int8_t* weights = tables.weights + o * row_bytes;
        const int32_t sum = bias[o] + internal::SumOfGroup(g, input_zero_point, group, top, left, weights);
        *output++ =
            internal::Finish<Rounding::kAny, Clamping::kRange>(sum, bias[outputs + o], bias[2 * outputs + o], range);
      }
    }
  }
}

}  // namespace kws::aot
