// An engine and a board of a few lines for tests of MLPerf Tiny's client on the host. Score k is the sum, modulo 256,
// of all features since the reset, each times its number, and of k. A step takes 3 * 10^9 ticks, so that the counter
// goes round within one inference.
#pragma once

#include <cstdint>
#include <cstring>

#include "kws/board.h"
#include "kws/engine.h"
#include "model_info.h"

namespace kws {

inline uint32_t g_ticks;
inline uint32_t g_sum;
inline uint32_t g_number;

// Each program of a test includes this once, and the client's own files are linked to it.
// NOLINTBEGIN(misc-definitions-in-headers)
namespace engine {
void Reset() { g_sum = g_number = 0; }
Status Step(const int8_t* features, int8_t* scores) {
#ifdef FAKE_STEP_FAILS
  if (g_number != 0) return Status::kInternal;
#endif
  for (size_t i = 0; i < model::kStepFeatureCount; ++i) g_sum += ++g_number * static_cast<uint32_t>(features[i]);
  for (size_t k = 0; k < model::kLabelCount; ++k) {
    const auto byte = static_cast<uint8_t>(g_sum + k);
    std::memcpy(scores + k, &byte, 1);
  }
  g_ticks += 3000000000u;
  return Status::kOk;
}
}  // namespace engine

namespace board {
const char* Name() { return "fake"; }
uint32_t Ticks() { return g_ticks; }
#ifdef FAKE_NO_CLOCK
TickInfo Clock() { return {TickInfo::kNone, 1, 1}; }
#else
TickInfo Clock() { return {TickInfo::kInstructions, 5, 64}; }
#endif
}  // namespace board
// NOLINTEND(misc-definitions-in-headers)

}  // namespace kws
