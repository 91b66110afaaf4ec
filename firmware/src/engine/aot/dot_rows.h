// Dot products of weight rows with one frame as int32 sums: of kernels that do more with them than requantize to int8.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/aot/instructions.h"
#include "engine/aot/pointwise.h"

namespace kws::aot {

// take(o, bias[o] + sum_i weights[o][i] * x[i]) for each of kOutputs outputs, in their order. bias: with the input's
// zero point folded in, so that no sum leaves int32.
template <int kInputs, int kOutputs, typename Take>
inline void DotRows(const int8_t* weights, const int32_t* bias, const int8_t* x, Take take) {
#if defined(KWS_AOT_DSP)
  constexpr int kFours = kOutputs / 4 * 4;
  for (int o = 0; o < kFours; o += 4, weights += 4 * kInputs) {
    int32_t sums[4] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
    if constexpr (kInputs % 4 == 0) {
      internal::DotFourByOne<kInputs>(weights, x, sums);
    } else {
      internal::DotRowsByOne<kInputs, 4>(weights, x, sums);
    }
    for (int i = 0; i < 4; ++i) take(o + i, sums[i]);
  }
#else
  constexpr int kFours = 0;
#endif
  for (int o = kFours; o < kOutputs; ++o, weights += kInputs) {
#if defined(KWS_AOT_DSP)
    int32_t sum = bias[o];
    internal::DotRowsByOne<kInputs, 1>(weights, x, &sum);
    take(o, sum);
#elif defined(KWS_AOT_MVE)
    take(o, internal::DotOne<kInputs>(bias[o], weights, x));
#else
    take(o, internal::DotPortable<kInputs>(bias[o], weights, x));
#endif
  }
}

// sum + the dot product of two vectors. int16: what leaves 32 bits is lost, as in the reference.
template <int kCount>
inline int32_t Dot(int32_t sum, const int8_t* a, const int8_t* b) {
#if defined(KWS_AOT_DSP)
  internal::DotRowsByOne<kCount, 1>(a, b, &sum);
  return sum;
#elif defined(KWS_AOT_MVE)
  return internal::DotOne<kCount>(sum, a, b);
#else
  return internal::DotPortable<kCount>(sum, a, b);
#endif
}

template <int kCount>
inline int32_t Dot(int32_t sum, const int16_t* a, const int16_t* b) {
#if defined(KWS_AOT_DSP)
#pragma GCC unroll 8
  for (int i = 0; i < kCount / 2 * 2; i += 2) {
    uint32_t pair_a, pair_b;  // Cortex-M loads words from any address
    memcpy(&pair_a, a + i, sizeof pair_a);
    memcpy(&pair_b, b + i, sizeof pair_b);
    sum = MultiplyPairs(pair_a, pair_b, sum);
  }
  if constexpr (kCount % 2 != 0) {
    sum = MultiplyLow(static_cast<uint16_t>(a[kCount - 1]), static_cast<uint16_t>(b[kCount - 1]), sum);
  }
  return sum;
#elif defined(KWS_AOT_MVE)
  constexpr int kWhole = kCount / 8 * 8;
  for (int i = 0; i < kWhole; i += 8) sum = vmladavaq_s16(sum, vldrhq_s16(a + i), vldrhq_s16(b + i));
  if constexpr (kWhole != kCount) {
    const mve_pred16_t rest = vctp16q(kCount - kWhole);
    sum = vmladavaq_s16(sum, vldrhq_z_s16(a + kWhole, rest), vldrhq_z_s16(b + kWhole, rest));
  }
  return sum;
#else
  auto wrapping = static_cast<uint32_t>(sum);
  for (int i = 0; i < kCount; ++i) wrapping += static_cast<uint32_t>(a[i] * b[i]);
  return static_cast<int32_t>(wrapping);
#endif
}

}  // namespace kws::aot
