// Softmax of int8 rows in fixed point.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Entries of a table of exponentials: Q0.31, for the distances 0 to 255 of a value from the largest of its row.
constexpr size_t kExponentials = 256;

namespace internal {

constexpr int32_t ShiftLeftSaturating(int32_t value, int bits) {
  const int64_t wide = int64_t{value} * (1 << bits);
  return wide > INT32_MAX ? INT32_MAX : (wide < INT32_MIN ? INT32_MIN : static_cast<int32_t>(wide));
}

// 1 / (1 + value) for value Q0.31, 0 to 1, by three steps of Newton and Raphson in Q2.29. Result: Q0.31.
constexpr int32_t ReciprocalOfOnePlus(int32_t value) {
  constexpr int32_t kOne = 1 << 29;
  constexpr int32_t k48Over17 = 1515870810;
  constexpr int32_t kMinus32Over17 = -1010580540;
  const auto half_denominator = static_cast<int32_t>((int64_t{value} + INT32_MAX + 1) >> 1);  // Q0.31
  int32_t x = k48Over17 + DoublingHighMultiply(half_denominator, kMinus32Over17);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = kOne - DoublingHighMultiply(half_denominator, x);
    x += ShiftLeftSaturating(DoublingHighMultiply(x, error), 2);
  }
  return ShiftLeftSaturating(x, 1);
}

}  // namespace internal

// output[r][i] = exp(input[r][i]) / sum over j of exp(input[r][j]), scale 1/256 and zero point -128.
//   exponentials: kExponentials entries, in which the generator has put the input's scale
//   depth:        elements of a row, 1 to 511
//   output:       int8 [rows][depth]; may be `input`
inline void Softmax(const int32_t* exponentials, const int8_t* input, int rows, int depth, int8_t* output) {
  constexpr int kSumBits = 12;  // integer bits of the sum, which is Q12.19
  for (; rows > 0; --rows, input += depth, output += depth) {
    int largest = INT8_MIN;
    for (int i = 0; i < depth; ++i) {
      if (input[i] > largest) largest = input[i];
    }
    int32_t sum = 0;
    for (int i = 0; i < depth; ++i) sum += DivideByPowerOfTwo(exponentials[largest - input[i]], kSumBits);
    // sum = (1 + fraction) * 2^bits: its reciprocal without the power of two, which goes into the last division.
    const int zeros = __builtin_clz(static_cast<uint32_t>(sum));
    const auto fraction = static_cast<int32_t>((static_cast<uint32_t>(sum) << zeros) - (uint32_t{1} << 31));
    const int32_t reciprocal = internal::ReciprocalOfOnePlus(fraction);
    const int exponent = kSumBits - zeros + 31 - 8;
    for (int i = 0; i < depth; ++i) {
      const int32_t share = DoublingHighMultiply(reciprocal, exponentials[largest - input[i]]);
      output[i] = static_cast<int8_t>(Clamp(DivideByPowerOfTwo(share, exponent) - 128, -128, 127));
    }
  }
}

}  // namespace kws::aot
