// Elementwise addition of two int8 tensors of different scales.
#pragma once

#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// One operand: value - zero point, brought to the common scale of the sum with 20 extra bits.
struct AddOperand {
  int32_t zero_point;
  int32_t multiplier;   // Q31
  int32_t right_shift;  // 0..31
};

struct AddParams {
  AddOperand a;
  AddOperand b;
  int32_t multiplier;   // of the sum, Q31
  int32_t right_shift;  // of the sum, 1..31
  OutputRange range;
};

namespace internal {

constexpr int kAddExtraBits = 20;

inline int32_t ScaleOperand(int32_t value, const AddOperand& operand) {
  const int32_t shifted = (value - operand.zero_point) * (1 << kAddExtraBits);
  return DivideByPowerOfTwo(DoublingHighMultiply(shifted, operand.multiplier), operand.right_shift);
}

}  // namespace internal

// output[i] = a[i] + b[i] in real values. count: elements. `output` may be `a` or `b`.
// Inlined, so that the constants of `params` reach the arithmetic.
inline __attribute__((always_inline)) void Add(const AddParams& params, const int8_t* a, const int8_t* b, int count,
                                               int8_t* output) {
  for (int i = 0; i < count; ++i) {
    const int32_t sum = internal::ScaleOperand(a[i], params.a) + internal::ScaleOperand(b[i], params.b);
    output[i] = static_cast<int8_t>(RequantizeToInt8(sum, params.multiplier, params.right_shift - 1, params.range));
  }
}

}  // namespace kws::aot
