// Operations of two int16 elements, for Elementwise(). Zero points are 0.
#pragma once

#include <cstdint>

#include "engine/aot/elementwise.h"

namespace kws::aot {

// Fraction bits that the operands of a sum gain before they are scaled; the generator's factors count on them.
constexpr int kAddExtraBitsInt16 = 15;

namespace internal {

inline int32_t ScaleInt16(int32_t value, const AddOperand& operand) {
  return Requantize(value * (1 << kAddExtraBitsInt16), operand.multiplier, -operand.right_shift);
}

inline int16_t FinishSumInt16(int32_t sum, const AddParams& params) {
  const int32_t result = Requantize(sum, params.multiplier, -params.right_shift);
  return static_cast<int16_t>(Clamp(result, params.range.min, params.range.max));
}

}  // namespace internal

// a + b
struct SumInt16 {
  AddParams params;
  int16_t operator()(int32_t a, int32_t b) const {
    return internal::FinishSumInt16(internal::ScaleInt16(a, params.a) + internal::ScaleInt16(b, params.b), params);
  }
};

// a - b
struct DifferenceInt16 {
  AddParams params;
  int16_t operator()(int32_t a, int32_t b) const {
    return internal::FinishSumInt16(internal::ScaleInt16(a, params.a) - internal::ScaleInt16(b, params.b), params);
  }
};

// a * b
struct ProductInt16 {
  Factor factor;
  OutputRange range;
  int16_t operator()(int32_t a, int32_t b) const {
    return static_cast<int16_t>(Clamp(Requantize(a * b, factor.multiplier, factor.shift), range.min, range.max));
  }
};

// The smaller and the larger of two values of one scale.
struct MinimumInt16 {
  int16_t operator()(int32_t a, int32_t b) const { return static_cast<int16_t>(a < b ? a : b); }
};
struct MaximumInt16 {
  int16_t operator()(int32_t a, int32_t b) const { return static_cast<int16_t>(a > b ? a : b); }
};

}  // namespace kws::aot
