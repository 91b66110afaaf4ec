#include "mlperf/lap_clock.h"

namespace kws::mlperf {

void LapClock::Start(const board::TickInfo& info, uint32_t clock_hz, uint32_t ticks) {
  info_ = info;
  clock_hz_ = clock_hz;
  last_ticks_ = ticks;
  total_ticks_ = 0;
}

void LapClock::Advance(uint32_t ticks) {
  total_ticks_ += ticks - last_ticks_;
  last_ticks_ = ticks;
}

uint64_t LapClock::Microseconds() const {
  if (!known()) return 0;
  const uint64_t units = (total_ticks_ * info_.numerator + info_.denominator / 2) / info_.denominator;
  // Whole seconds apart: a million times all units would run out of 64 bits within days.
  return units / clock_hz_ * 1000000 + units % clock_hz_ * 1000000 / clock_hz_;
}

}  // namespace kws::mlperf
