// Softmax of int16 rows, by linear interpolation in two tables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Entries of a table: a function of every 128th int16 value, and one more that closes the last step.
constexpr size_t kSoftmaxInt16Entries = 513;

struct SoftmaxInt16Params {
  const int16_t* exponentials;  // exp(x), Q0.15, for x from -10 to 0
  const int16_t* reciprocals;   // 1 / (1 + x), Q0.15, for x from 0 to 1
  Factor factor;                // from a difference to steps of 10/65535
};

namespace internal {

// A table at an int16 value, between its entries to nearest.
constexpr int32_t Interpolate(const int16_t* table, int32_t value) {
  const int16_t* entry = table + 256 + (value >> 7);
  const auto slope = static_cast<int16_t>(entry[1] - entry[0]);
  return static_cast<int16_t>(entry[0] + ((slope * (value & 127) + 64) >> 7));
}

}  // namespace internal

// output[r][i] = exp(input[r][i]) / sum over j of exp(input[r][j]), scale 1/32768.
//   depth:  elements of a row, 1 to 32768
//   output: int16 [rows][depth]; not overlapping the input
inline void SoftmaxInt16(const SoftmaxInt16Params& params, const int16_t* input, int rows, int depth, int16_t* output) {
  for (; rows > 0; --rows, input += depth, output += depth) {
    int32_t largest = INT16_MIN;
    for (int i = 0; i < depth; ++i) {
      if (input[i] > largest) largest = input[i];
    }
    int32_t sum = 0;  // Q16.15; the output keeps the exponentials for now
    for (int i = 0; i < depth; ++i) {
      const int32_t distance = Requantize(input[i] - largest, params.factor.multiplier, params.factor.shift);
      const int32_t argument = Clamp(distance, -65535, 0) + INT16_MAX;
      output[i] = static_cast<int16_t>(internal::Interpolate(params.exponentials, argument));
      sum += output[i];
    }
    // sum = (1 + fraction) * 2^bits, of which the table knows 1 / (1 + fraction).
    const int zeros = __builtin_clz(static_cast<uint32_t>(sum));
    const auto mantissa = static_cast<int32_t>(((int64_t{sum} << (zeros - 1)) + (1 << 13)) >> 14);  // Q1.16
    const int32_t fraction = Clamp(mantissa - (1 << 16) - (1 << 15), INT16_MIN, INT16_MAX);
    const int32_t reciprocal = internal::Interpolate(params.reciprocals, fraction);
    const int shift = 31 - zeros;
    for (int i = 0; i < depth; ++i) {
      const int64_t share = (int64_t{output[i]} * reciprocal + (int64_t{1} << (shift - 1))) >> shift;
      output[i] = static_cast<int16_t>(Clamp(static_cast<int32_t>(share), 0, INT16_MAX));
    }
  }
}

}  // namespace kws::aot
