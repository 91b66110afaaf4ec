// Rows of int8 weights as this core multiplies them, arranged by the compiler. The generator writes them row by row for
// all cores.
//
// SMLAD multiplies int16, and unpacking int8 costs as much as multiplying. So two rows a and b lie in one: the int16 of
// an input is 256 * b + a, which can be multiplied as it is, and its low byte, sign-extended, is a:
//
//   whole sum W = sum((256 * b + a) * x) = 256 * dot(b, x) + L
//   low sum   L = sum(a * x)             = dot(a, x)
//   dot(b, x)   = (W - L) / 256, exact also where W has wrapped, while dot(b, x) is below 2^23
#pragma once

#include <cstdint>

#include "engine/aot/instructions.h"

namespace kws::aot {

namespace internal {

// |dot(b, x)| <= 2^14 * inputs must stay below 2^23.
constexpr int kMaxPairedInputs = 508;

template <int kBytes>
struct alignas(16) Bytes {
  int8_t values[kBytes];
};

// Whether every pair of rows can be held: 256 * -128 + a of a negative a is no int16.
template <int kInputs, int kOutputs>
constexpr bool CanPairRows(const int8_t* rows) {
  if (kInputs % 4 != 0 || kInputs > kMaxPairedInputs || kOutputs % 2 != 0) return false;
  for (int o = 0; o < kOutputs; o += 2) {
    const int8_t *a = rows + o * kInputs, *b = a + kInputs;
    for (int i = 0; i < kInputs; ++i) {
      if (b[i] == INT8_MIN && a[i] < 0) return false;
    }
  }
  return true;
}

// int16 [kOutputs / 2][kInputs], of every four inputs in the order 0 2 1 3, in which SXTB16 unpacks them.
template <int kInputs, int kOutputs>
constexpr Bytes<kInputs * kOutputs> PairRows(const int8_t* rows) {
  constexpr int kOrder[4] = {0, 2, 1, 3};
  Bytes<kInputs * kOutputs> paired = {};
  int8_t* to = paired.values;
  for (int o = 0; o < kOutputs; o += 2) {
    const int8_t *a = rows + o * kInputs, *b = a + kInputs;
    for (int i = 0; i < kInputs; ++i, to += 2) {
      const int input = i / 4 * 4 + kOrder[i % 4];
      to[0] = a[input];
      to[1] = static_cast<int8_t>(b[input] - (a[input] < 0 ? 1 : 0));
    }
  }
  return paired;
}

// Takes flash only where it is used.
template <int kInputs, int kOutputs, const auto& kRows>
inline constexpr Bytes<kInputs * kOutputs> kPairedRows = PairRows<kInputs, kOutputs>(kRows);

}  // namespace internal

// The rows of a layer, int8 [kOutputs][kInputs], for Pointwise() and Conv2d().
template <int kInputs, int kOutputs, const auto& kRows>
struct WeightRows {
#if defined(KWS_AOT_DSP)
  static constexpr bool kPaired = internal::CanPairRows<kInputs, kOutputs>(kRows);
#else
  static constexpr bool kPaired = false;
#endif

  static constexpr const int8_t* Data() {
    if constexpr (kPaired) {
      return internal::kPairedRows<kInputs, kOutputs, kRows>.values;
    } else {
      return kRows;
    }
  }
};

}  // namespace kws::aot
