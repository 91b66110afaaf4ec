// Elementwise addition of two int8 tensors of different scales.
#pragma once

#include <cstdint>

#include "engine/aot/instructions.h"
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

// Fraction bits that both operands gain before they are scaled; the generator's factors count on them.
constexpr int kAddExtraBits = 20;

namespace internal {

inline int32_t ScaleOperand(int32_t value, const AddOperand& operand) {
  const int32_t shifted = (value - operand.zero_point) * (1 << kAddExtraBits);
  if (operand.multiplier == 1 << 30 && operand.right_shift == 0) return shifted / 2;  // the larger scale: exactly 1/2
  return DivideByPowerOfTwo(DoublingHighMultiplySmall(shifted, operand.multiplier), operand.right_shift);
}

#if defined(KWS_AOT_MVE)

inline __attribute__((always_inline)) int32x4_t ScaleOperand(int32x4_t value, const AddOperand& operand) {
  const int32x4_t shifted = vshlq_n_s32(vsubq_n_s32(value, operand.zero_point), kAddExtraBits);
  const int32x4_t high = vqrdmulhq_n_s32(shifted, operand.multiplier);
  if (operand.right_shift == 0) return high;
  return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), vdupq_n_s32(-operand.right_shift));
}

#endif  // KWS_AOT_MVE

// Clamping of a range that is known when compiling.
inline __attribute__((always_inline)) int32_t FinishSum(int32_t sum, const AddParams& params) {
  const int32_t shift = params.right_shift - 1;
  return params.range.IsFull() ? RequantizeToInt8<Clamping::kInt8>(sum, params.multiplier, shift, params.range)
                               : RequantizeToInt8<Clamping::kRange>(sum, params.multiplier, shift, params.range);
}

}  // namespace internal

// output[i] = a[i] + b[i] in real values. count: elements. `output` may be `a` or `b`.
// Inlined, so that the constants of `params` reach the arithmetic.
inline __attribute__((always_inline)) void Add(const AddParams& params, const int8_t* a, const int8_t* b, int count,
                                               int8_t* output) {
  int i = 0;
#if defined(KWS_AOT_MVE)
  for (; i + 4 <= count; i += 4) {
    const int32x4_t sum = vaddq_s32(internal::ScaleOperand(vldrbq_s32(a + i), params.a),
                                    internal::ScaleOperand(vldrbq_s32(b + i), params.b));
    vstrbq_s32(output + i, RequantizeToInt8(sum, vdupq_n_s32(params.multiplier), vdupq_n_s32(params.right_shift - 1),
                                            params.range));
  }
#endif
  for (; i < count; ++i) {
    const int32_t sum = internal::ScaleOperand(a[i], params.a) + internal::ScaleOperand(b[i], params.b);
    output[i] = static_cast<int8_t>(internal::FinishSum(sum, params));
  }
}

}  // namespace kws::aot
