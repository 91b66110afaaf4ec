#include "pdm/sum_decimator.h"

#include <cstring>

#include "pdm/dual_mac.h"

namespace kws::pdm {
namespace {

int16_t Saturate(int32_t value) {
  return static_cast<int16_t>(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

// An output of the second filter. The taps' sum is 1 in Q15: the middle of the sums comes out as kMiddle.
int16_t Filter128k(const int16_t* sums) {
  constexpr int32_t kMiddle = (kFullSum / 2) << 15;
  constexpr int kShift = 11;  // full scale of the sums, 2^11 to each side, becomes 2^15
  const int32_t sum = SymmetricSum<kTapCount128k>(sums, kTaps128k);
  return Saturate((sum - kMiddle + (1 << (kShift - 1))) >> kShift);
}

int16_t FilterHalfBand(const int16_t* outer, int16_t middle) {
  const int32_t sum = SymmetricSum<kHalfBandCount>(outer, kHalfBand) + middle * (1 << 14);
  return Saturate((sum + (1 << 14)) >> 15);
}

// The newest `history` values move to the front.
void Keep(int16_t* values, size_t history, size_t added) {
  std::memmove(values, values + added, history * sizeof(int16_t));
}

}  // namespace

void SumDecimator::Restart() {
  for (int16_t& sum : sums_) sum = kFullSum / 2;
  for (int16_t& value : middle_) value = 0;
  for (int16_t& value : outer_) value = 0;
}

void SumDecimator::Run(size_t samples, int16_t* out) {
  static_assert(kSumsPerSample == kSumStep * kHalfStep && kHalfStep == 2, "two outputs of the second filter a sample");
  const int16_t* sums = sums_;
  for (size_t i = 0; i < samples; ++i) {
    middle_[kMiddleHistory + i] = Filter128k(sums);
    outer_[kOuterHistory + i] = Filter128k(sums + kSumStep);
    sums += kSumsPerSample;
    out[i] = FilterHalfBand(outer_ + i, middle_[i]);
  }
  Keep(sums_, kSumHistory, samples * kSumsPerSample);
  Keep(middle_, kMiddleHistory, samples);
  Keep(outer_, kOuterHistory, samples);
}

}  // namespace kws::pdm
