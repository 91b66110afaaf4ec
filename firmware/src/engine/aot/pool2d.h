// Pooling over rows and columns with any filter, stride and padding. Averages over whole rows are in pool.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Shapes of a pool with batch 1 over [in_h][in_w][channels], int8 or int16.
struct PoolGeometry {
  int32_t channels;
  int32_t in_h, in_w;
  int32_t filter_h, filter_w;
  int32_t out_h, out_w;
  int32_t stride_h, stride_w;
  int32_t pad_h, pad_w;  // rows above, columns to the left
};

namespace internal {

// What a filter covers along one dimension, without the padding.
struct Covered {
  int32_t begin, end;
};

constexpr Covered CoveredBy(int32_t output, int32_t stride, int32_t pad, int32_t filter, int32_t size) {
  const int32_t first = output * stride - pad;
  return {first < 0 ? 0 : first, first + filter > size ? size : first + filter};
}

// sum / count, to nearest with ties away from zero.
constexpr int32_t RoundedMean(int32_t sum, int32_t count) {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

// Calls pool(first element, rows, columns) -> int32_t for each output.
template <typename Element, typename Pool>
inline __attribute__((always_inline)) void ForEachPool(const PoolGeometry& g, OutputRange range, const Element* input,
                                                       Element* output, const Pool& pool) {
  for (int y = 0; y < g.out_h; ++y) {
    const Covered rows = CoveredBy(y, g.stride_h, g.pad_h, g.filter_h, g.in_h);
    for (int x = 0; x < g.out_w; ++x) {
      const Covered columns = CoveredBy(x, g.stride_w, g.pad_w, g.filter_w, g.in_w);
      const Element* first = input + (rows.begin * g.in_w + columns.begin) * g.channels;
      for (int c = 0; c < g.channels; ++c) {
        const int32_t result = pool(first + c, rows.end - rows.begin, columns.end - columns.begin);
        *output++ = static_cast<Element>(Clamp(result, range.min, range.max));
      }
    }
  }
}

}  // namespace internal

// The mean of what the filter covers of each channel; padding does not count. Input and output share scale and zero
// point. output: [out_h][out_w][channels], not overlapping the input. Every filter covers at least one element.
template <typename Element>
inline void AveragePool2d(const PoolGeometry& geometry, OutputRange range, const Element* input, Element* output) {
  internal::ForEachPool(geometry, range, input, output, [&](const Element* first, int32_t rows, int32_t columns) {
    int32_t sum = 0;
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) sum += first[(y * geometry.in_w + x) * geometry.channels];
    }
    return internal::RoundedMean(sum, rows * columns);
  });
}

// The largest element instead.
template <typename Element>
inline void MaxPool2d(const PoolGeometry& geometry, OutputRange range, const Element* input, Element* output) {
  internal::ForEachPool(geometry, range, input, output, [&](const Element* first, int32_t rows, int32_t columns) {
    int32_t largest = INT32_MIN;
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        largest = std::max<int32_t>(largest, first[(y * geometry.in_w + x) * geometry.channels]);
      }
    }
    return largest;
  });
}

}  // namespace kws::aot
