// The last step of a feature: one multiplication, one offset, one shift.
#pragma once

#include <cstdint>

#include "frontend_tables.h"

namespace kws::frontend {

// (multiplier * value + offset) >> (32 + shift), saturated, with the constants of feature `k`.
//   value: of as many fractional bits as the tables' constants were made for.
inline int8_t Normalise(int32_t value, int k) {
  const int64_t scaled = int64_t{frontend_tables::kMultiplier[k]} * value + frontend_tables::kOffset[k];
  const int32_t rounded = static_cast<int32_t>(scaled >> 32) >> frontend_tables::kShift[k];
  return static_cast<int8_t>(rounded < -128 ? -128 : (rounded > 127 ? 127 : rounded));
}

}  // namespace kws::frontend
