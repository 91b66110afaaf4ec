// Average pooling over time: over a few rows at once, and as a running sum over a long state.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "engine/aot/requantize.h"

namespace kws::aot {

namespace internal {

// sum / count, to nearest with ties away from zero.
template <int kCount>
constexpr int32_t Mean(int32_t sum) {
  return (sum > 0 ? sum + kCount / 2 : sum - kCount / 2) / kCount;
}

}  // namespace internal

// output[f][c] = mean over kRows of input[f * stride + r][c]; scale and zero point of input and output are the same.
//   input:  int8 rows of kChannels; frame f starts at input + f * frame_stride elements
//   output: int8 [frames][kChannels], not overlapping the input
template <int kChannels, int kRows>
void AveragePool(OutputRange range, const int8_t* input, int frame_stride, int frames, int8_t* output) {
  for (int frame = 0; frame < frames; ++frame) {
    for (int c = 0; c < kChannels; ++c) {
      int32_t sum = 0;
      for (int r = 0; r < kRows; ++r) sum += input[frame * frame_stride + r * kChannels + c];
      output[frame * kChannels + c] = static_cast<int8_t>(Clamp(internal::Mean<kRows>(sum), range.min, range.max));
    }
  }
}

// Average pooling over the kRows rows of a state and one new row, by a running sum: exact, because int8 rows are summed
// in integers and every row that was added is subtracted again when it leaves.
template <int kRows, int kChannels>
class PoolRing {
 public:
  // Sets every element of the state to `value`.
  void Reset(int8_t value) {
    memset(rows_, value, sizeof rows_);
    for (Sum& sum : sums_) sum = static_cast<Sum>(value * kRows);
    oldest_ = 0;
  }

  // Averages the state and `row` (int8 [kChannels]) into `output` (int8 [kChannels]), then `row` replaces the oldest row.
  void Step(OutputRange range, const int8_t* row, int8_t* output) {
    int8_t* slot = rows_[oldest_];
    for (int c = 0; c < kChannels; ++c) {
      const int32_t sum = sums_[c] + row[c];
      output[c] = static_cast<int8_t>(Clamp(internal::Mean<kRows + 1>(sum), range.min, range.max));
      sums_[c] = static_cast<Sum>(sum - slot[c]);
      slot[c] = row[c];
    }
    oldest_ = oldest_ + 1 == kRows ? 0 : oldest_ + 1;
  }

  // Byte `offset` of the state in tensor order, oldest row first. offset: below kRows * kChannels.
  int8_t At(size_t offset) const {
    const size_t start = static_cast<size_t>(oldest_) * kChannels;
    const size_t position = start + offset;
    constexpr size_t kSize = static_cast<size_t>(kRows) * kChannels;
    return (&rows_[0][0])[position < kSize ? position : position - kSize];
  }

 private:
  // Sums of up to kRows + 1 int8 values.
  using Sum = std::conditional_t<((kRows + 1) * 128 <= 32767), int16_t, int32_t>;

  alignas(16) int8_t rows_[kRows][kChannels];
  alignas(16) Sum sums_[kChannels];
  int oldest_;
};

}  // namespace kws::aot
