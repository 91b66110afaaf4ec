// Values of int8 or int16 in another quantization, of the same or of the other type, with a slope below zero.
#pragma once

#include <cstdint>

#include "engine/aot/requantize.h"

namespace kws::aot {

struct RescaleParams {
  int32_t zero_point;  // of the input
  Factor above;        // of values from real zero on
  Factor below;        // of those below it
  OutputRange range;
};

// output[i] = requantized (input[i] - zero point). count: elements. `output` may be `input` where the types are one.
// Inlined, so that the constants of `params` reach the arithmetic.
template <typename Input, typename Output>
inline __attribute__((always_inline)) void Rescale(const RescaleParams& params, const Input* input, int count,
                                                   Output* output) {
  for (int i = 0; i < count; ++i) {
    const int32_t value = input[i] - params.zero_point;
    const Factor factor = value >= 0 ? params.above : params.below;
    output[i] = internal::Finish<Rounding::kAny, Clamping::kRange, Output>(value, factor.multiplier, factor.shift,
                                                                           params.range);
  }
}

}  // namespace kws::aot
