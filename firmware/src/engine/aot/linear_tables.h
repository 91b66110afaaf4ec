// Constants of a layer with weights.
#pragma once

#include <cstdint>

namespace kws::aot {

// Made by the generator, which also chooses the Rounding.
struct LinearTables {
  const int8_t* weights;  // [outputs][inputs], Q0
  // [3][outputs]: bias - input_zero_point * sum(weights), in accumulator units; multiplier, Q31; and
  // right_shift - 1 (Rounding::kFast) or the TensorFlow Lite shift, positive to the left (kAny).
  const int32_t* requantization;
};

}  // namespace kws::aot
