// Dot products of weight rows with one frame as int32 sums: of kernels that do more with them than requantize to int8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/aot/instructions.h"
#include "engine/aot/pointwise.h"

namespace kws::aot {

namespace internal {

// Whether AddFourRows() is there for rows of that length.
constexpr bool CanAddFourRows([[maybe_unused]] int inputs) {
#if defined(KWS_AOT_DSP)
  return true;
#elif defined(KWS_AOT_MVE)
  return CanDotFourByOne(inputs);
#else
  return false;
#endif
}

// sums[r] += sum_i rows[r][i] * x[i]
template <int kInputs>
inline void AddFourRows([[maybe_unused]] const int8_t* rows, [[maybe_unused]] const int8_t* x,
                        [[maybe_unused]] int32_t (&sums)[4]) {
#if defined(KWS_AOT_DSP)
  if constexpr (kInputs % 4 == 0) {
    DotFourByOne<kInputs>(rows, x, sums);
  } else {
    DotRowsByOne<kInputs, 4>(rows, x, sums);
  }
#elif defined(KWS_AOT_MVE)
  if constexpr (CanAddFourRows(kInputs)) DotFourByOne<kInputs>(rows, x, sums);
#endif
}

}  // namespace internal

// Bytes of scratch that DotRows() needs, 4-byte aligned: the frame as int16.
constexpr size_t DotRowsScratchBytes(int inputs) { return sizeof(int16_t) * inputs; }

// take(o, bias[o] + sum_i weights[o][i] * x[i]) for each of kOutputs outputs, in their order. bias: with the input's
// zero point folded in, so that no sum leaves int32.
//   kPaired: the rows lie in pairs (weight_rows.h)
//   scratch: DotRowsScratchBytes(kInputs) bytes, 4-byte aligned
template <int kInputs, int kOutputs, bool kPaired, typename Take>
inline void DotRows(const int8_t* weights, const int32_t* bias, const int8_t* x, [[maybe_unused]] void* scratch,
                    Take take) {
#if defined(KWS_AOT_DSP)
  if constexpr (kPaired) {
    auto* frame = static_cast<uint32_t*>(scratch);
    internal::ExpandFrame<kInputs>(x, frame);
    for (int o = 0; o < kOutputs; o += 2, weights += 2 * kInputs) {
      int32_t low = bias[o];
      int32_t whole = low;
      internal::DotPairedByOne<kInputs>(weights, frame, low, whole);
      take(o, low);
      take(o + 1, bias[o + 1] + internal::HighOfPair(whole, low));
    }
    return;
  }
#endif
  constexpr int kFours = internal::CanAddFourRows(kInputs) ? kOutputs / 4 * 4 : 0;
  for (int o = 0; o < kFours; o += 4, weights += 4 * kInputs) {
    int32_t sums[4] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
    internal::AddFourRows<kInputs>(weights, x, sums);
    for (int i = 0; i < 4; ++i) take(o + i, sums[i]);
  }
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
