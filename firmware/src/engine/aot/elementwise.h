// Operations of two tensors, element by element, either of which may be repeated along dimensions. Those of int8 are
// here, those of int16 in elementwise_int16.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/aot/add.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Elements along one dimension, and how far apart the operands' lie: 0 where an operand is repeated.
struct ElementwiseAxis {
  int32_t count;
  int32_t a_stride;
  int32_t b_stride;
};

constexpr int kElementwiseAxes = 5;

// Outermost dimension first; those that are not needed have a count of 1.
struct ElementwiseAxes {
  ElementwiseAxis axes[kElementwiseAxes];
};

// a + b
struct Sum {
  AddParams params;
  int8_t operator()(int32_t a, int32_t b) const {
    const int32_t sum = internal::ScaleOperand(a, params.a) + internal::ScaleOperand(b, params.b);
    return static_cast<int8_t>(internal::FinishSum(sum, params));
  }
};

// a - b
struct Difference {
  AddParams params;
  int8_t operator()(int32_t a, int32_t b) const {
    const int32_t difference = internal::ScaleOperand(a, params.a) - internal::ScaleOperand(b, params.b);
    return static_cast<int8_t>(internal::FinishSum(difference, params));
  }
};

// a * b
struct Product {
  int32_t a_zero_point;
  int32_t b_zero_point;
  Factor factor;
  OutputRange range;
  int8_t operator()(int32_t a, int32_t b) const {
    const int32_t product = (a - a_zero_point) * (b - b_zero_point);
    return internal::Finish<Rounding::kAny, Clamping::kRange>(product, factor.multiplier, factor.shift, range);
  }
};

// The smaller and the larger of two values of one scale and zero point.
struct Minimum {
  int8_t operator()(int32_t a, int32_t b) const { return static_cast<int8_t>(a < b ? a : b); }
};
struct Maximum {
  int8_t operator()(int32_t a, int32_t b) const { return static_cast<int8_t>(a > b ? a : b); }
};

// a where it is positive, else a * b
struct Prelu {
  int32_t a_zero_point;
  int32_t b_zero_point;
  Factor above;
  Factor below;
  OutputRange range;
  int8_t operator()(int32_t a, int32_t b) const {
    const int32_t value = a - a_zero_point;
    const Factor factor = value >= 0 ? above : below;
    const int32_t product = value >= 0 ? value : value * (b - b_zero_point);
    return internal::Finish<Rounding::kAny, Clamping::kRange>(product, factor.multiplier, factor.shift, range);
  }
};

namespace internal {

// Returns where the output goes on.
template <int kAxis, typename Operation, typename Element>
inline __attribute__((always_inline)) Element* ElementwiseFrom(const Operation& operation, const ElementwiseAxes& axes,
                                                               const Element* a, const Element* b, Element* output) {
  const ElementwiseAxis axis = axes.axes[kAxis];
  if constexpr (kAxis + 1 == kElementwiseAxes && std::is_same_v<Operation, Sum>) {
    if (axis.a_stride == 1 && axis.b_stride == 1) {  // which has a way with vectors
      Add(operation.params, a, b, axis.count, output);
      return output + axis.count;
    }
  }
  for (int i = 0; i < axis.count; ++i, a += axis.a_stride, b += axis.b_stride) {
    if constexpr (kAxis + 1 == kElementwiseAxes) {
      *output++ = operation(*a, *b);
    } else {
      output = ElementwiseFrom<kAxis + 1>(operation, axes, a, b, output);
    }
  }
  return output;
}

}  // namespace internal

// output = operation(a, b) for each position of the axes, one behind the other.
// Inlined, so that the constants of `operation` and `axes` reach the arithmetic.
template <typename Operation, typename Element>
inline __attribute__((always_inline)) void Elementwise(const Operation& operation, const ElementwiseAxes& axes,
                                                       const Element* a, const Element* b, Element* output) {
  internal::ElementwiseFrom<0>(operation, axes, a, b, output);
}

}  // namespace kws::aot
