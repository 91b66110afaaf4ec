#include "pdm/pdm_decimator.h"

namespace kws::pdm {
namespace {

constexpr int kByteBits = 8;
constexpr uint16_t kSilence = 0x5555;  // zeros and ones in turn

// What the ones of a byte add to the sum that it completes, and to the three behind it: 16 bits each, the first lowest.
// No sum exceeds kFullSum, so that nothing is carried from one to the next.
struct SumTable {
  uint64_t of_byte[1 << kByteBits];
};

constexpr SumTable MakeSumTable() {
  SumTable table{};
  for (size_t byte = 0; byte < 1 << kByteBits; ++byte) {
    for (size_t age = 0; age < kSumTapCount; ++age) {
      if ((byte >> (age % kByteBits) & 1) != 0)
        table.of_byte[byte] += uint64_t{kSumTaps[age]} << (age / kByteBits * 16);
    }
  }
  return table;
}

constexpr SumTable kSums = MakeSumTable();
static_assert(kSumTapCount <= 4 * kByteBits && kFullSum <= UINT16_MAX, "four sums of 16 bits");

}  // namespace

void PdmDecimator::Restart() {
  constexpr uint16_t kWords[2] = {kSilence, kSilence};
  int16_t forgotten[4];
  Sum(kWords, 2, forgotten);
  rest_.Restart();
}

void PdmDecimator::Sum(const uint16_t* words, size_t count, int16_t* sums) {
  uint64_t coming = coming_;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t word = words[i];
    coming = (coming >> 16) + kSums.of_byte[word >> kByteBits];
    sums[2 * i] = static_cast<int16_t>(coming & 0xFFFF);
    coming = (coming >> 16) + kSums.of_byte[word & 0xFF];
    sums[2 * i + 1] = static_cast<int16_t>(coming & 0xFFFF);
  }
  coming_ = coming;
}

void PdmDecimator::Run(const uint16_t* words, size_t samples, int16_t* out) {
  while (samples > 0) {
    const size_t now = samples < SumDecimator::kMostSamples ? samples : SumDecimator::kMostSamples;
    Sum(words, now * kWordsPerSample, rest_.sums());
    rest_.Run(now, out);
    words += now * kWordsPerSample;
    out += now;
    samples -= now;
  }
}

}  // namespace kws::pdm
