// From int32 accumulators to int8 activations: TensorFlow Lite's two-step rounding, scalar and as Helium vectors.
//
// A real factor 0 < f < 1 is stored as multiplier * 2^-31 * 2^-right_shift with multiplier Q31 in [2^30, 2^31). The
// product is rounded twice: to nearest with ties up (doubling high multiplication), then to nearest with ties away from
// zero (division by a power of two). The reference interpreter does the same, so results are equal, not just close.
#pragma once

#include <cstdint>

#include "engine/aot/instructions.h"

namespace kws::aot {

// How a layer's int8 results leave the kernel.
struct OutputRange {
  int32_t zero_point;  // int8 value of real zero
  int32_t min;  // fused activation, int8
  int32_t max;

  constexpr bool IsFull() const { return min == -128 && max == 127; }
};

constexpr int32_t Clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : (value > high ? high : value);
}

// Round(a * b / 2^31), ties up, saturated in the one case that overflows.
constexpr int32_t DoublingHighMultiply(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  return static_cast<int32_t>((static_cast<int64_t>(a) * b + (int64_t{1} << 30)) >> 31);
}

// Round(value / 2^exponent), ties away from zero. exponent: 0..31.
constexpr int32_t DivideByPowerOfTwo(int32_t value, int32_t exponent) {
  const int64_t half = exponent == 0 ? 0 : int64_t{1} << (exponent - 1);
  return static_cast<int32_t>((int64_t{value} + half - (value < 0 && exponent > 0 ? 1 : 0)) >> exponent);
}

// Any factor. shift: -31..30, positive to the left; the left-shifted value wraps as in the reference.
constexpr int32_t Requantize(int32_t value, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int32_t shifted = static_cast<int32_t>(static_cast<uint32_t>(value) << left);
  return DivideByPowerOfTwo(DoublingHighMultiply(shifted, multiplier), right);
}

// Any factor, as Requantize() takes it.
struct Factor {
  int32_t multiplier;  // Q31
  int32_t shift;  // positive to the left
};

// DoublingHighMultiply() for |value| < 2^30.
inline int32_t DoublingHighMultiplySmall(int32_t value, int32_t multiplier) {
#if defined(KWS_AOT_DSP) || defined(KWS_AOT_MVE)
  int32_t high;
  __asm("smmulr %0, %1, %2" : "=r"(high) : "r"(value * 2), "r"(multiplier));
  return high;
#else
  return DoublingHighMultiply(value, multiplier);
#endif
}

// Whether results only saturate to int8, or are clamped to a narrower activation range.
enum class Clamping : uint8_t { kInt8, kRange };

// The common factor, and the fast way: |value| < 2^30 and a right shift of at least 1, given as right_shift - 1,
// 0..30. Adds the zero point and clamps to the output range.
template <Clamping kClamping = Clamping::kRange>
inline int32_t RequantizeToInt8(int32_t value, int32_t multiplier, int32_t right_shift_minus_1, OutputRange range) {
  int32_t high = DoublingHighMultiplySmall(value, multiplier);
  high += high >> 31;
  // The zero point joins before the last halving: one addition for both.
  const int32_t twice = (high >> right_shift_minus_1) + (1 + 2 * range.zero_point);
#if defined(KWS_AOT_DSP) || defined(KWS_AOT_MVE)
  if constexpr (kClamping == Clamping::kInt8) {
    int32_t result;
    __asm("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(twice) : "cc");
    return result;
  }
#endif
  return kClamping == Clamping::kInt8 ? Clamp(twice >> 1, -128, 127) : Clamp(twice >> 1, range.min, range.max);
}

#if defined(KWS_AOT_MVE)

// Four values, zero point added, not clamped; right_shift_minus_1 as above.
inline int32x4_t RequantizeUnclamped(int32x4_t value, int32x4_t multiplier, int32x4_t right_shift_minus_1,
                                     int32_t zero_point) {
  int32x4_t high = vqrdmulhq_s32(value, multiplier);
  high = vaddq_s32(high, vshrq_n_s32(high, 31));
  high = vrshlq_s32(high, vmvnq_s32(right_shift_minus_1));  // ~s = -(s + 1)
  return vaddq_n_s32(high, zero_point);
}

// Four values, clamped. Only the lowest byte of each lane is the result.
template <Clamping kClamping = Clamping::kRange>
inline int32x4_t RequantizeToInt8(int32x4_t value, int32x4_t multiplier, int32x4_t right_shift_minus_1,
                                  OutputRange range) {
  const int32x4_t result = RequantizeUnclamped(value, multiplier, right_shift_minus_1, range.zero_point);
  if constexpr (kClamping == Clamping::kInt8) {
    // Narrowed in place: no constants to keep in registers.
    const int16x8_t halves = vqmovnbq_s32(vreinterpretq_s16_s32(result), result);
    return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(halves), halves));
  }
  return vminq_s32(vmaxq_s32(result, vdupq_n_s32(range.min)), vdupq_n_s32(range.max));
}

#endif  // KWS_AOT_MVE

// How a layer with weights requantizes its sums.
enum class Rounding : uint8_t {
  kFast,  // every accumulator stays below 2^30 and every factor is below 1/2: proven by the generator
  kAny,
};

namespace internal {

// A sum to the layer's int8 result, or to that of another type; multiplier and shift as the rounding has them, see
// LinearTables.
template <Rounding kRounding, Clamping kClamping, typename Result = int8_t>
inline Result Finish(int32_t sum, int32_t multiplier, int32_t shift, OutputRange range) {
  if constexpr (kRounding == Rounding::kFast) {
    static_assert(sizeof(Result) == 1, "the fast rounding saturates to int8");
    return static_cast<Result>(RequantizeToInt8<kClamping>(sum, multiplier, shift, range));
  } else {
    // Clamped before the zero point joins, so that the addition cannot overflow.
    const int32_t result = Requantize(sum, multiplier, shift);
    return static_cast<Result>(Clamp(result, range.min - range.zero_point, range.max - range.zero_point) +
                               range.zero_point);
  }
}

}  // namespace internal

}  // namespace kws::aot
