// Convolution of int16 activations over rows and columns, of all channels or of groups of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/linear_int16.h"

namespace kws::aot {

// Shapes of a convolution with batch 1 over int16 [in_h][in_w][groups][group_inputs]; a depthwise convolution has a
// group for each channel.
struct ConvInt16Geometry {
  int32_t in_h, in_w;
  int32_t groups, group_inputs, group_outputs;
  int32_t kernel_h, kernel_w;
  int32_t out_h, out_w;
  int32_t stride_h, stride_w;
  int32_t pad_h, pad_w;  // rows above, columns to the left
  int32_t dilation_h, dilation_w;
};

// Bytes of weights that ConvInt16() and DepthwiseInt16() read.
constexpr size_t ConvInt16WeightsBytes(const ConvInt16Geometry& g) {
  return static_cast<size_t>(g.groups) * g.group_outputs * g.kernel_h * g.kernel_w * g.group_inputs;
}

namespace internal {

// Taps of a kernel along one dimension that lie inside of the input: padding is real zero and adds nothing.
struct Taps {
  int32_t begin, end;
};

constexpr Taps TapsInside(int32_t first, int32_t dilation, int32_t kernel, int32_t size) {
  const int32_t begin = first < 0 ? (-first + dilation - 1) / dilation : 0;
  const int32_t last = size - first <= 0 ? 0 : (size - first + dilation - 1) / dilation;
  return {begin, last < kernel ? last : kernel};
}

// Calls at(first row, first column, taps along the rows, taps along the columns) for each output.
template <typename At>
inline __attribute__((always_inline)) void ForEachConvOutput(const ConvInt16Geometry& g, const At& at) {
  for (int y = 0; y < g.out_h; ++y) {
    const int32_t top = y * g.stride_h - g.pad_h;
    const Taps rows = TapsInside(top, g.dilation_h, g.kernel_h, g.in_h);
    for (int x = 0; x < g.out_w; ++x) {
      const int32_t left = x * g.stride_w - g.pad_w;
      at(top, left, rows, TapsInside(left, g.dilation_w, g.kernel_w, g.in_w));
    }
  }
}

}  // namespace internal

// output: int16 [out_h][out_w][groups][group_outputs], not overlapping the input.
//   tables: weights [groups * group_outputs][kernel_h][kernel_w][group_inputs]
template <typename Sum, RoundingInt16 kRounding>
void ConvInt16(const ConvInt16Geometry& g, const LinearInt16Tables<Sum>& tables, OutputRange range,
               const int16_t* input, int16_t* output) {
  const int32_t outputs = g.groups * g.group_outputs;
  const int32_t channels = g.groups * g.group_inputs;
  const bool joined = g.groups == 1 && g.dilation_w == 1;  // the taps of a row lie one behind the other
  internal::ForEachConvOutput(g, [&](int32_t top, int32_t left, internal::Taps rows, internal::Taps columns) {
    for (int o = 0; o < outputs; ++o) {
      const int16_t* group = input + o / g.group_outputs * g.group_inputs;
      const int8_t* weights = tables.weights + o * g.kernel_h * g.kernel_w * g.group_inputs;
      Sum sum = tables.bias[o];
      for (int y = rows.begin; y < rows.end; ++y) {
        const int16_t* row = group + (top + y * g.dilation_h) * g.in_w * channels;
        const int8_t* taps = weights + y * g.kernel_w * g.group_inputs;
        const int step = joined ? columns.end - columns.begin : 1;
        for (int x = columns.begin; x < columns.end; x += step) {
          internal::AddDotProducts<1>(row + (left + x * g.dilation_w) * channels, taps + x * g.group_inputs, 0,
                                      step * g.group_inputs, &sum);
        }
      }
      *output++ = internal::FinishInt16<Sum, kRounding>(sum, tables.factors[o], tables.factors[outputs + o], range);
    }
  });
}

}  // namespace kws::aot
