// Convolution of each channel of int16 activations over rows and columns.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/aot/conv_int16.h"
#include "engine/aot/linear_int16.h"

namespace kws::aot {

namespace internal {

// Taps in one line: how many, and how far apart the values and the weights of neighbours lie.
struct TapLine {
  int32_t count;
  int32_t value_stride, tap_stride;
};

// Channels that AddTaps() takes at once.
constexpr int kDepthwiseChannels = 4;

#if defined(KWS_AOT_DSP)

// sum + a.high * b.low, and sum + a.low * b.high, on two int16 each.
inline int32_t MultiplyHighLow(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlatb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
inline int32_t MultiplyLowHigh(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlabt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}

#endif  // KWS_AOT_DSP

// Adds a line of taps to the sums of kChannels neighbours. Inlined and unrolled, so that the sums stay in registers.
template <int kChannels, typename Sum>
inline __attribute__((always_inline)) void AddTaps(const int16_t* values, const int8_t* taps, TapLine line, Sum* sums) {
#if defined(KWS_AOT_MVE)
  if constexpr (kChannels == kDepthwiseChannels && std::is_same_v<Sum, int32_t>) {
    int32x4_t total = vldrwq_s32(sums);
    for (int t = 0; t < line.count; ++t, values += line.value_stride, taps += line.tap_stride) {
      total = vaddq_s32(total, vmulq_s32(vldrhq_s32(values), vldrbq_s32(taps)));
    }
    vstrwq_s32(sums, total);
    return;
  }
#elif defined(KWS_AOT_DSP)
  if constexpr (kChannels == kDepthwiseChannels && std::is_same_v<Sum, int32_t>) {
    for (int t = 0; t < line.count; ++t, values += line.value_stride, taps += line.tap_stride) {
      const uint32_t four = LoadWord(taps);
      const uint32_t even = ExtendEven(four);
      const uint32_t odd = ExtendOdd(four);
      const uint32_t first = LoadPair(values);
      const uint32_t second = LoadPair(values + 2);
      sums[0] = MultiplyLow(first, even, sums[0]);
      sums[1] = MultiplyHighLow(first, odd, sums[1]);
      sums[2] = MultiplyLowHigh(second, even, sums[2]);
      sums[3] = MultiplyHigh(second, odd, sums[3]);
    }
    return;
  }
#endif
  for (int t = 0; t < line.count; ++t, values += line.value_stride, taps += line.tap_stride) {
#pragma GCC unroll 4
    for (int c = 0; c < kChannels; ++c) sums[c] += int32_t{values[c]} * taps[c];
  }
}

}  // namespace internal

// output: int16 [out_h][out_w][groups][group_outputs], not overlapping the input. Groups are of one channel.
//   tables: weights [kernel_h][kernel_w][groups * group_outputs]
template <typename Sum, RoundingInt16 kRounding>
void DepthwiseInt16(const ConvInt16Geometry& g, const LinearInt16Tables<Sum>& tables, OutputRange range,
                    const int16_t* input, int16_t* output) {
  const int32_t outputs = g.groups * g.group_outputs;
  const int32_t row_stride = g.dilation_h * g.in_w * g.groups;
  const int32_t column_stride = g.dilation_w * g.groups;
  const int32_t* shifts = tables.factors + outputs;
  internal::ForEachConvOutput(g, [&](int32_t top, int32_t left, internal::Taps rows, internal::Taps columns) {
    const int16_t* first = input + (top * g.in_w + left) * g.groups + rows.begin * row_stride;
    first += columns.begin * column_stride;
    const int8_t* first_tap = tables.weights + (rows.begin * g.kernel_w + columns.begin) * outputs;
    // Lines along the rows where the kernel has one column: a line is worth its loop only if it is long.
    const bool upright = g.kernel_w == 1;
    const int32_t height = rows.end - rows.begin;
    const int32_t width = columns.end - columns.begin;
    const internal::TapLine line = upright ? internal::TapLine{width > 0 ? height : 0, row_stride, outputs}
                                           : internal::TapLine{width, column_stride, outputs};
    const int32_t lines = upright ? 1 : height;
    const auto add = [&](auto channels, int32_t o, Sum* sums) {
      const int16_t* values = first + o / g.group_outputs;
      const int8_t* taps = first_tap + o;
      for (int32_t i = 0; i < lines; ++i, values += row_stride, taps += g.kernel_w * outputs) {
        internal::AddTaps<channels()>(values, taps, line, sums);
      }
    };
    int32_t o = 0;
    if (g.group_outputs == 1) {
      constexpr std::integral_constant<int, internal::kDepthwiseChannels> kFour;
      for (; o + kFour <= outputs; o += kFour) {
        Sum sums[kFour];
        for (int c = 0; c < kFour; ++c) sums[c] = tables.bias[o + c];
        add(kFour, o, sums);
        for (int c = 0; c < kFour; ++c) {
          *output++ = internal::FinishInt16<Sum, kRounding>(sums[c], tables.factors[o + c], shifts[o + c], range);
        }
      }
    }
    for (; o < outputs; ++o) {
      Sum sum = tables.bias[o];
      add(std::integral_constant<int, 1>(), o, &sum);
      *output++ = internal::FinishInt16<Sum, kRounding>(sum, tables.factors[o], shifts[o], range);
    }
  });
}

}  // namespace kws::aot
