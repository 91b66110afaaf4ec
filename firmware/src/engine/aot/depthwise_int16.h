// Convolution of each channel of int16 activations over rows and columns.
#pragma once

#include <cstdint>

#include "engine/aot/conv_int16.h"
#include "engine/aot/linear_int16.h"

namespace kws::aot {

// output: int16 [out_h][out_w][groups][group_outputs], not overlapping the input. Groups are of one channel.
//   tables: weights [kernel_h][kernel_w][groups * group_outputs]
template <typename Sum, RoundingInt16 kRounding>
void DepthwiseInt16(const ConvInt16Geometry& g, const LinearInt16Tables<Sum>& tables, OutputRange range,
                    const int16_t* input, int16_t* output) {
  const int32_t outputs = g.groups * g.group_outputs;
  const int32_t row_stride = g.dilation_h * g.in_w * g.groups;
  const int32_t column_stride = g.dilation_w * g.groups;
  internal::ForEachConvOutput(g, [&](int32_t top, int32_t left, internal::Taps rows, internal::Taps columns) {
    const int32_t first = (top * g.in_w + left) * g.groups + rows.begin * row_stride + columns.begin * column_stride;
    const int8_t* first_tap = tables.weights + (rows.begin * g.kernel_w + columns.begin) * outputs;
    for (int o = 0; o < outputs; ++o) {
      Sum sum = tables.bias[o];
      for (int y = rows.begin; y < rows.end; ++y) {
        const int16_t* value = input + first + (y - rows.begin) * row_stride + o / g.group_outputs;
        const int8_t* tap = first_tap + (y - rows.begin) * g.kernel_w * outputs + o;
        for (int x = columns.begin; x < columns.end; ++x, value += column_stride, tap += outputs) {
          sum += int32_t{*value} * *tap;
        }
      }
      *output++ = internal::FinishInt16<Sum, kRounding>(sum, tables.factors[o], tables.factors[outputs + o], range);
    }
  });
}

}  // namespace kws::aot
