// Pointwise (1x1) convolution and fully connected layer. One weight row is one output; also a convolution over k whole
// rows of a time window, whose inputs lie one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

// Constants of a layer, made by the generator.
struct LinearTables {
  const int8_t* weights;  // [outputs][inputs], Q0
  // [3][outputs]: bias - input_zero_point * sum(weights), in accumulator units; multiplier, Q31; and
  // right_shift - 1 (kFast) or the TensorFlow Lite shift, positive to the left (kAny).
  const int32_t* requantization;
};

enum class Rounding : uint8_t {
  kFast,  // every accumulator stays below 2^30 and every factor is below 1/2: proven by the generator
  kAny,
};

// Bytes of scratch that Pointwise() needs, 4-byte aligned.
constexpr size_t PointwiseScratchBytes(int inputs) { return static_cast<size_t>(inputs) * 2 * sizeof(int16_t); }

namespace internal {

template <int kOutputs, Rounding kRounding>
inline int8_t FinishScalar(int32_t sum, const int32_t* row, OutputRange range) {
  if constexpr (kRounding == Rounding::kFast) {
    return static_cast<int8_t>(RequantizeToInt8(sum, row[kOutputs], row[2 * kOutputs], range));
  } else {
    return static_cast<int8_t>(
        Clamp(Requantize(sum, row[kOutputs], row[2 * kOutputs]) + range.zero_point, range.min, range.max));
  }
}

template <int kInputs>
inline int32_t DotPortable(int32_t sum, const int8_t* a, const int8_t* b) {
  for (int i = 0; i < kInputs; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace internal

// output[f][o] = Requantize(sum_i weights[o][i] * (input[f][i] - zero point) + bias[o])
//   input:  frames rows of kInputs int8, row f at input + f * input_stride
//   output: int8 [frames][kOutputs], not overlapping the input
//   scratch: PointwiseScratchBytes(kInputs) bytes, 4-byte aligned
template <int kInputs, int kOutputs, Rounding kRounding>
void Pointwise(const LinearTables& tables, OutputRange range, const int8_t* input, int input_stride, int frames,
               int8_t* output, [[maybe_unused]] void* scratch) {
  for (int frame = 0; frame < frames; ++frame) {
    const int8_t* weights = tables.weights;
    for (int o = 0; o < kOutputs; ++o, weights += kInputs) {
      const int32_t* row = tables.requantization + o;
      const int32_t sum = internal::DotPortable<kInputs>(row[0], weights, input + frame * input_stride);
      output[frame * kOutputs + o] = internal::FinishScalar<kOutputs, kRounding>(sum, row, range);
    }
  }
}

}  // namespace kws::aot
