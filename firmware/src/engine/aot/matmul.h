// Products of two int8 matrices, or of stacks of them.
#pragma once

#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Matrices along one dimension of the stacks, and how far apart they lie: 0 where one serves for all.
struct MatmulAxis {
  int32_t count;
  int32_t a_stride;
  int32_t b_stride;
};

constexpr int kMatmulAxes = 3;

// How far apart the elements of a matrix lie, along its rows or columns and along the terms of a dot product.
struct MatmulStrides {
  int32_t outer;
  int32_t depth;
};

struct MatmulParams {
  MatmulAxis axes[kMatmulAxes];  // outermost first; those that are not needed have a count of 1
  int32_t rows, depth, columns;
  MatmulStrides a, b;
  int32_t a_zero_point, b_zero_point;
  Factor factor;  // from the sums of products to the output
  OutputRange range;
};

namespace internal {

inline int8_t* MatmulOfOne(const MatmulParams& p, const int8_t* a, const int8_t* b, int8_t* output) {
  for (int row = 0; row < p.rows; ++row, a += p.a.outer) {
    for (int column = 0; column < p.columns; ++column) {
      const int8_t* x = a;
      const int8_t* y = b + column * p.b.outer;
      int32_t sum = 0;
      for (int i = 0; i < p.depth; ++i, x += p.a.depth, y += p.b.depth) {
        sum += (*x - p.a_zero_point) * (*y - p.b_zero_point);
      }
      *output++ = Finish<Rounding::kAny, Clamping::kRange>(sum, p.factor.multiplier, p.factor.shift, p.range);
    }
  }
  return output;
}

// Returns where the output goes on.
template <int kAxis = 0>
inline int8_t* MatmulFrom(const MatmulParams& p, const int8_t* a, const int8_t* b, int8_t* output) {
  const MatmulAxis axis = p.axes[kAxis];
  for (int i = 0; i < axis.count; ++i, a += axis.a_stride, b += axis.b_stride) {
    if constexpr (kAxis + 1 == kMatmulAxes) {
      output = MatmulOfOne(p, a, b, output);
    } else {
      output = MatmulFrom<kAxis + 1>(p, a, b, output);
    }
  }
  return output;
}

}  // namespace internal

// output[...][rows][columns] = a[...][rows][depth] * b[...][depth][columns], requantized.
inline void Matmul(const MatmulParams& params, const int8_t* a, const int8_t* b, int8_t* output) {
  internal::MatmulFrom(params, a, b, output);
}

}  // namespace kws::aot
