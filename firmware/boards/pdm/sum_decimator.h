// The second and the third filter on the way from pulse density to PCM: 128 kHz to 16 kHz. Equal, bit for bit, to
// PdmDecimator.push_sums() of training/kws_reference/audio/pdm.py. Private to firmware/boards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pdm/pdm_taps.h"

namespace kws::pdm {

// Of one writer. Place it in static memory: 0.5 KB.
class SumDecimator {
 public:
  static constexpr size_t kMostSamples = 16;  // at once

  SumDecimator() { Restart(); }

  // As if silence had been heard for ever.
  void Restart();

  // Where the next kSumsPerSample sums for each of up to kMostSamples samples go, 0 to kFullSum.
  int16_t* sums() { return sums_ + kSumHistory; }

  // Makes `samples` int16 of the sums that lie there.
  void Run(size_t samples, int16_t* out);

 private:
  static constexpr size_t kSumHistory = kTapCount128k - kSumStep;
  static constexpr size_t kOuterHistory = kHalfBandCount - 1;
  static constexpr size_t kMiddleHistory = kHalfBandCount / 2 - 1;

  alignas(4) int16_t sums_[kSumHistory + kSumsPerSample * kMostSamples];
  // The second filter's outputs by turns: those that meet the half-band filter's middle tap, and the others.
  // One more than needed of each: values move in pairs.
  int16_t middle_[kMiddleHistory + kMostSamples + 1];
  int16_t outer_[kOuterHistory + kMostSamples + 1];
};

}  // namespace kws::pdm
