#include "pdm/sum_decimator.h"

#include <cstring>

#include "pdm/dual_mac.h"

namespace kws::pdm {
namespace {

// An output of the second filter. The taps' sum is 1 in Q15: the middle of the sums comes out as kMiddle.
int16_t Narrow128k(int32_t sum) {
  constexpr int32_t kMiddle = (kFullSum / 2) << 15;
  constexpr int kShift = 11;  // full scale of the sums, 2^11 to each side, becomes 2^15
  return Narrow<kShift>(sum - kMiddle + (1 << (kShift - 1)));
}

int16_t FilterHalfBand(const int16_t* outer, int16_t middle) {
  const int32_t sum = SymmetricSum<kHalfBandCount>(outer, kHalfBand) + middle * (1 << 14);
  return Narrow<15>(sum + (1 << 14));
}

// The newest kCount values, behind `added` older ones, move to the front. Pairs of values, one by one: newlib's small
// memmove() takes bytes.
template <size_t kCount>
void Keep(int16_t* values, size_t added) {
#pragma GCC unroll 4
  for (size_t i = 0; i < (kCount + 1) / 2; ++i) {
    const uint32_t pair = Pair(values + added + 2 * i);
    std::memcpy(values + 2 * i, &pair, sizeof(pair));
  }
}

}  // namespace

void SumDecimator::Restart() {
  for (int16_t& sum : sums_) sum = kFullSum / 2;
  for (int16_t& value : middle_) value = 0;
  for (int16_t& value : outer_) value = 0;
}

void SumDecimator::Run(size_t samples, int16_t* out) {
  static_assert(kSumStep == 4 && kHalfStep == 2 && kSumsPerSample == 8, "two outputs of the second filter a sample");
  const int16_t* sums = sums_;
  for (size_t i = 0; i < samples; ++i) {
    int32_t even, odd;
    TwoSymmetricSums<kTapCount128k>(sums, kTaps128k, &even, &odd);
    middle_[kMiddleHistory + i] = Narrow128k(even);
    outer_[kOuterHistory + i] = Narrow128k(odd);
    sums += kSumsPerSample;
    out[i] = FilterHalfBand(outer_ + i, middle_[i]);
  }
  Keep<kSumHistory>(sums_, samples * kSumsPerSample);
  Keep<kMiddleHistory>(middle_, samples);
  Keep<kOuterHistory>(outer_, samples);
}

}  // namespace kws::pdm
