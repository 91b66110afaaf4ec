#include "frontend/fixed_point.h"
#include "stages.h"

#if !defined(KWS_FRONTEND_MICRO) && !defined(KWS_FRONTEND_LOG_MEL)

#include "normalise.h"

namespace kws::frontend {
namespace {

static_assert(kMelBands % 2 == 0 && kDctHalf % 8 == 0 && kDctHalf >= kMelBands / 2, "tables of another shape");

inline int8_t NormaliseSum(int64_t sum, int k) { return Normalise(static_cast<int32_t>(sum >> 5), k); }

// Coefficients first, first + 2, ... from one half of the bands folded onto the other.
#if KWS_FRONTEND_MVE

inline void Rows(const int16_t* folded, int first, int8_t* features) {
  for (int k = first; k < kCoefficients; k += 2) {
    const int16_t* row = kDct + k * kDctHalf;
    int64_t sum = 0;
#pragma GCC unroll 5
    for (int b = 0; b < kDctHalf; b += 8) sum = vmlaldavaq_s16(sum, vld1q_s16(folded + b), vld1q_s16(row + b));
    features[k] = NormaliseSum(sum, k);
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
    features[k] = NormaliseSum(sum, k);
    features[k + 2] = NormaliseSum(next, k + 2);
  }
  if (k < kCoefficients) {
    const int16_t* row = kDct + k * kDctHalf;
    int64_t sum = 0;
    for (int b = 0; b < kDctHalf; b += 2) sum = DualMac(sum, LoadPair(folded + b), LoadPair(row + b));
    features[k] = NormaliseSum(sum, k);
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

#endif  // not KWS_FRONTEND_MICRO, not KWS_FRONTEND_LOG_MEL
