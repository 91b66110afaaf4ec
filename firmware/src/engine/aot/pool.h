// Average pooling over time: over a few rows at once, and as a running sum over a long state.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "engine/aot/instructions.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

namespace internal {

// sum / count, to nearest with ties away from zero.
template <int kCount>
constexpr int32_t Mean(int32_t sum) {
  return (sum > 0 ? sum + kCount / 2 : sum - kCount / 2) / kCount;
}

#if defined(KWS_AOT_MVE)

// Division by a multiplication: n / count == n * factor >> shift for all 0 <= n <= limit.
struct Reciprocal {
  int32_t factor;
  int shift;  // 0: none found
};

constexpr Reciprocal FindReciprocal(int32_t count, int32_t limit) {
  for (int shift = 8; shift < 31; ++shift) {
    const int64_t factor = ((int64_t{1} << shift) + count - 1) / count;
    if (factor * limit > INT32_MAX) break;
    bool exact = true;
    // Quotients change only at multiples of count: it is enough to look there, and just below.
    for (int32_t n = count; exact && n <= limit + count; n += count) {
      exact = (n * factor >> shift) == n / count && ((n - 1) * factor >> shift) == n / count - 1;
    }
    if (exact) return {static_cast<int32_t>(factor), shift};
  }
  return {0, 0};
}

template <int kCount>
constexpr Reciprocal kReciprocal = FindReciprocal(kCount, kCount * 128 + kCount / 2);

template <int kCount>
inline int32x4_t Mean(int32x4_t sum) {
  constexpr int kShift =
      kReciprocal<kCount>.shift;  // a plain constant, which the instruction needs without optimisation
  const int32x4_t magnitude = vaddq_n_s32(vabsq_s32(sum), kCount / 2);
  const int32x4_t mean = vshrq_n_s32(vmulq_n_s32(magnitude, kReciprocal<kCount>.factor), kShift);
  return vnegq_m_s32(mean, mean, vcmpltq_n_s32(sum, 0));
}

inline int32x4_t Clamp(int32x4_t value, OutputRange range) {
  return vminq_s32(vmaxq_s32(value, vdupq_n_s32(range.min)), vdupq_n_s32(range.max));
}

#endif  // KWS_AOT_MVE

}  // namespace internal

// output[f][c] = mean over kRows of input[f * stride + r][c]; scale and zero point of input and output are the same.
//   input:  int8 rows of kChannels; frame f starts at input + f * frame_stride elements
//   output: int8 [frames][kChannels], not overlapping the input
template <int kChannels, int kRows>
void AveragePool(OutputRange range, const int8_t* input, int frame_stride, int frames, int8_t* output) {
  for (int frame = 0; frame < frames; ++frame) {
    int c = 0;
#if defined(KWS_AOT_MVE)
    if constexpr (internal::kReciprocal<kRows>.shift != 0) {
      for (; c + 4 <= kChannels; c += 4) {
        const int8_t* x = input + frame * frame_stride + c;
        int32x4_t sum = vldrbq_s32(x);
        for (int r = 1; r < kRows; ++r) sum = vaddq_s32(sum, vldrbq_s32(x + r * kChannels));
        vstrbq_s32(output + frame * kChannels + c, internal::Clamp(internal::Mean<kRows>(sum), range));
      }
    }
#endif
    for (; c < kChannels; ++c) {
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
  // Sums of up to kRows + 1 int8 values.
  using Sum = std::conditional_t<((kRows + 1) * 128 <= 32767), int16_t, int32_t>;

 public:
  // RAM of the rows and their sums, without the position.
  static constexpr size_t kDataBytes = kChannels * (kRows + sizeof(Sum));

  // Sets every element of the state to `value`.
  void Reset(int8_t value) {
    memset(rows_, value, sizeof rows_);
    for (Sum& sum : sums_) sum = static_cast<Sum>(value * kRows);
    oldest_ = 0;
  }

  // Averages the state and `row` into `output`, both int8 [kChannels]. Then `row` replaces the oldest row.
  void Step(OutputRange range, const int8_t* row, int8_t* output) {
    int8_t* slot = rows_[oldest_];
    int c = 0;
#if defined(KWS_AOT_MVE)
    if constexpr (internal::kReciprocal<kRows + 1>.shift != 0 && sizeof(Sum) == sizeof(int16_t)) {
      for (; c + 4 <= kChannels; c += 4) {
        const int32x4_t fresh = vldrbq_s32(row + c);
        const int32x4_t sum = vaddq_s32(vldrhq_s32(sums_ + c), fresh);
        vstrbq_s32(output + c, internal::Clamp(internal::Mean<kRows + 1>(sum), range));
        vstrhq_s32(sums_ + c, vsubq_s32(sum, vldrbq_s32(slot + c)));
        vstrbq_s32(slot + c, fresh);
      }
    }
#endif
    for (; c < kChannels; ++c) {
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
  alignas(16) int8_t rows_[kRows][kChannels];
  alignas(16) Sum sums_[kChannels];
  int oldest_;
};

}  // namespace kws::aot
