// Sums and means over any dimensions of an int8 or int16 tensor.
#pragma once

#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Elements along one dimension, and how far apart they lie.
struct ReduceAxis {
  int32_t count;
  int32_t stride;
};

// Of each kind; a tensor of five dimensions has no more that lie apart.
constexpr int kReduceAxes = 3;

// Outermost dimension first; those that are not needed have a count of 1.
struct Reduction {
  ReduceAxis kept[kReduceAxes];
  ReduceAxis reduced[kReduceAxes];
  int32_t offset;  // added to each sum: -zero point * number of elements
  Factor factor;   // from the sum to the output
  OutputRange range;
};

namespace internal {

template <int kAxis = 0, typename Element>
inline int32_t SumOver(const ReduceAxis* axes, const Element* input) {
  int32_t sum = 0;
  for (int i = 0; i < axes[kAxis].count; ++i, input += axes[kAxis].stride) {
    if constexpr (kAxis + 1 == kReduceAxes) {
      sum += *input;
    } else {
      sum += SumOver<kAxis + 1>(axes, input);
    }
  }
  return sum;
}

// Returns where the output goes on.
template <int kAxis = 0, typename Element>
inline Element* ReduceFrom(const Reduction& reduction, const Element* input, Element* output) {
  const ReduceAxis axis = reduction.kept[kAxis];
  for (int i = 0; i < axis.count; ++i, input += axis.stride) {
    if constexpr (kAxis + 1 == kReduceAxes) {
      const int32_t sum = SumOver(reduction.reduced, input) + reduction.offset;
      *output++ = Finish<Rounding::kAny, Clamping::kRange, Element>(sum, reduction.factor.multiplier,
                                                                    reduction.factor.shift, reduction.range);
    } else {
      output = ReduceFrom<kAxis + 1>(reduction, input, output);
    }
  }
  return output;
}

}  // namespace internal

// output = requantized sum over the reduced axes for each position of the kept ones, one behind the other.
template <typename Element>
inline void Reduce(const Reduction& reduction, const Element* input, Element* output) {
  internal::ReduceFrom(reduction, input, output);
}

}  // namespace kws::aot
