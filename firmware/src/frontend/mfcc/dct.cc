#include "frontend/fixed_point.h"
#include "stages.h"

#ifndef KWS_FRONTEND_MICRO

namespace kws::frontend {
namespace {

static_assert(kMelBands % 2 == 0 && kDctHalf % 8 == 0 && kDctHalf >= kMelBands / 2, "tables of another shape");

// (multiplier * (sum >> 5) + offset) >> (32 + shift), saturated.
inline int8_t Normalise(int64_t sum, int k) {
  const int64_t value = int64_t{kMultiplier[k]} * static_cast<int32_t>(sum >> 5) + kOffset[k];
  const int32_t rounded = static_cast<int32_t>(value >> 32) >> kShift[k];
  return static_cast<int8_t>(rounded < -128 ? -128 : (rounded > 127 ? 127 : rounded));
}

// Coefficients first, first + 2, ... from one half of the bands folded onto the other.
#if KWS_FRONTEND_MVE

inline void Rows(const int16_t* folded, int first, int8_t* features) {
  for (int k = first; k < kCoefficients; k += 2) {
    const int16_t* row = kDct + k * kDctHalf;
    int64_t sum = 0;
#pragma GCC unroll 5
    for (int b = 0; b < kDctHalf; b += 8) sum = vmlaldavaq_s16(sum, vld1q_s16(folded + b), vld1q_s16(row + b));
    features[k] = Normalise(sum, k);
  }
}

#else

inline void Rows(const int16_t* folded, int first, int8_t* features) {
  int k = first;
  // Two rows at once share the loads of the data.
  for (; k + 2 < kCoefficients; k += 4) {
    const int16_t* row = kDct + k * kDctHalf;
    int64_t sum = 0, next = 0;
#pragma GCC unroll 5
    for (int b = 0; b < kDctHalf; b += 4) {
      const uint32_t x = LoadPair(folded + b), y = LoadPair(folded + b + 2);
      sum = DualMac(sum, x, LoadPair(row + b));
      sum = DualMac(sum, y, LoadPair(row + b + 2));
      next = DualMac(next, x, LoadPair(row + 2 * kDctHalf + b));
      next = DualMac(next, y, LoadPair(row + 2 * kDctHalf + b + 2));
    }
    features[k] = Normalise(sum, k);
    features[k + 2] = Normalise(next, k + 2);
  }
  if (k < kCoefficients) {
    const int16_t* row = kDct + k * kDctHalf;
    int64_t sum = 0;
    for (int b = 0; b < kDctHalf; b += 2) sum = DualMac(sum, LoadPair(folded + b), LoadPair(row + b));
    features[k] = Normalise(sum, k);
  }
}

#endif  // KWS_FRONTEND_MVE

}  // namespace

void DctToFeatures(const int16_t* log_mel, int8_t* features) {
  // Rows of a DCT-II are symmetric (even k) or antisymmetric (odd k): sums or differences of mirrored bands suffice.
  alignas(16) int16_t sums[kDctHalf] = {};
  alignas(16) int16_t differences[kDctHalf] = {};
  for (int b = 0; b < kMelBands / 2; ++b) {
    const int32_t low = log_mel[b], high = log_mel[kMelBands - 1 - b];
    sums[b] = static_cast<int16_t>(low + high);
    differences[b] = static_cast<int16_t>(low - high);
  }
  Rows(sums, 0, features);
  Rows(differences, 1, features);
}

}  // namespace kws::frontend

#endif  // KWS_FRONTEND_MICRO
