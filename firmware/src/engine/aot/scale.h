// Values of 32 bits times a real factor that stay wider than int8: the way of requantize.h, for kernels with int16
// inside.
#pragma once

#include <cstdint>

#include "engine/aot/instructions.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

inline int32_t SaturateToInt16(int32_t value) {
#if defined(KWS_AOT_DSP) || defined(KWS_AOT_MVE)
  int32_t result;
  __asm("ssat %0, #16, %1" : "=r"(result) : "r"(value) : "cc");
  return result;
#else
  return Clamp(value, INT16_MIN, INT16_MAX);
#endif
}

// Clamped before the zero point joins, so that the addition cannot overflow.
inline int8_t ToInt8(int32_t value, int32_t zero_point) {
  return static_cast<int8_t>(Clamp(value, -128 - zero_point, 127 - zero_point) + zero_point);
}

// A factor, made ready for many values.
//   kFast: |value| * 2^max(shift, 0) stays below 2^30 for every value: proven by the generator.
//   kAny: as Requantize() takes it.
template <Rounding kRounding>
class Scale {
 public:
  explicit Scale(Factor factor)
      : factor_(factor),
        left_(factor.shift > 0 ? factor.shift : 0),
        right_(factor.shift > 0 ? 0 : -factor.shift),
        half_(right_ > 0 ? int32_t{1} << (right_ - 1) : 0),
        ties_(right_ > 0 ? -1 : 0),
        rest_(static_cast<int32_t>((uint32_t{1} << right_) - 1)) {}

  int32_t operator()(int32_t value) const {
    if constexpr (kRounding == Rounding::kFast) {
      const int32_t high = DoublingHighMultiplySmall(value * (1 << left_), factor_.multiplier);
      return (high + ((high >> 31) & ties_) + half_) >> right_;
    } else {
      const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(value) << left_);
      const int32_t high = DoublingHighMultiply(shifted, factor_.multiplier);
      return (high >> right_) + ((high & rest_) > (rest_ >> 1) + (high < 0 ? 1 : 0) ? 1 : 0);
    }
  }

 private:
  Factor factor_;
  int32_t left_;
  int32_t right_;
  int32_t half_;  // of the last division
  int32_t ties_;  // all bits: negative ties go away from zero
  int32_t rest_;  // bits that the last division leaves: it may not add to any 32 bits
};

}  // namespace kws::aot
