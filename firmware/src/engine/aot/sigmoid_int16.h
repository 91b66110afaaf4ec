// Logistic function and tanh of int16 values, by linear interpolation in a table of the logistic function.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Entries of the table: Q0.16, of 0, 1/24, 2/24 and so on. The functions are symmetric, and tanh(x) = 2 logistic(2x)
// - 1.
constexpr size_t kSigmoidEntries = 256;

struct SigmoidInt16Params {
  const uint16_t* table;
  int32_t multiplier;   // from the input to steps of 1/12288, with
  int32_t right_shift;  // 0..31, to nearest, ties up
};

namespace internal {

constexpr int32_t SigmoidArgument(const SigmoidInt16Params& params, int32_t value) {
  const int32_t half = params.right_shift > 0 ? 1 << (params.right_shift - 1) : 0;
  return (value * params.multiplier + half) >> params.right_shift;
}

// The table between its entries, with kBits more fraction bits; `saturated` behind its end. argument: not negative.
template <int kBits>
constexpr int32_t SigmoidBetween(const uint16_t* table, int32_t argument, int32_t saturated) {
  const int32_t entry = argument >> kBits;
  if (entry >= static_cast<int32_t>(kSigmoidEntries) - 1) return saturated;
  const int32_t low = table[entry];
  return low * (1 << kBits) + (argument & ((1 << kBits) - 1)) * (table[entry + 1] - low);
}

}  // namespace internal

// output[i] = 1 / (1 + exp(-input[i])), scale 1/32768. count: elements. `output` may be `input`.
inline void LogisticInt16(const SigmoidInt16Params& params, const int16_t* input, int count, int16_t* output) {
  constexpr int kBits = 9;
  for (int i = 0; i < count; ++i) {
    const int32_t argument = internal::SigmoidArgument(params, input[i]);
    const int32_t share =
        internal::SigmoidBetween<kBits>(params.table, argument < 0 ? -argument : argument, 0x7FFF << 10);
    constexpr int32_t kOne = 1 << (16 + kBits);
    constexpr int32_t kHalf = 1 << kBits;
    output[i] = static_cast<int16_t>((argument >= 0 ? share + kHalf : kOne - share + kHalf - 1) >> (kBits + 1));
  }
}

// output[i] = tanh(input[i]), scale 1/32768. count: elements. `output` may be `input`.
inline void TanhInt16(const SigmoidInt16Params& params, const int16_t* input, int count, int16_t* output) {
  constexpr int kBits = 8;
  for (int i = 0; i < count; ++i) {
    const int32_t argument = internal::SigmoidArgument(params, input[i]);
    const int32_t share =
        internal::SigmoidBetween<kBits>(params.table, argument < 0 ? -argument : argument, 0xFFFF << 8);
    constexpr int32_t kMiddle = 1 << (15 + kBits);
    constexpr int32_t kHalf = 1 << (kBits - 1);
    output[i] = static_cast<int16_t>((argument >= 0 ? share - kMiddle + kHalf : kMiddle - share + kHalf - 1) >> kBits);
  }
}

}  // namespace kws::aot
