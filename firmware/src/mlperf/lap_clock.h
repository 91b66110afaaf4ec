// Microseconds out of the board's ticks.
#pragma once

#include <cstdint>

#include "kws/board.h"

namespace kws::mlperf {

// Counts ticks in 64 bits and takes a cycle, or an emulated instruction, for one period of the core's clock.
class LapClock {
 public:
  // Starts at 0. `clock_hz`: of the core, 0 where nobody knows it. `ticks`: the counter as it stands.
  void Start(const board::TickInfo& info, uint32_t clock_hz, uint32_t ticks);

  // Whether there is something to count and its length is known; Microseconds() stays 0 else.
  bool known() const { return info_.kind != board::TickInfo::kNone && clock_hz_ != 0; }

  // Takes the counter as it stands; call it before the counter has gone round once more.
  void Advance(uint32_t ticks);

  // Of all ticks since Start(), rounded down.
  uint64_t Microseconds() const;

 private:
  board::TickInfo info_ = {board::TickInfo::kNone, 1, 1};
  uint32_t clock_hz_ = 0;
  uint32_t last_ticks_ = 0;
  uint64_t total_ticks_ = 0;
};

}  // namespace kws::mlperf
