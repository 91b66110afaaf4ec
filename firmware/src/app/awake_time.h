// How long the core was awake.
#pragma once

#include <cstdint>

#include "kws/board.h"

namespace kws::app {

// Counts ticks outside of the board's sleep; interrupts that end it are awake. Main thread only.
class AwakeTime {
 public:
  // Counts from here on.
  void Restart() {
    ticks_ = 0;
    mark_ = board::Ticks();
  }

  // Sleeps as the board does.
  void Idle() {
    Count();
    mark_ = board::Idle();
  }

  // Call it more often than the counter wraps. Returns the ticks so far.
  uint64_t Count() {
    const uint32_t now = board::Ticks();
    ticks_ += now - mark_;
    mark_ = now;
    return ticks_;
  }

 private:
  uint64_t ticks_ = 0;
  uint32_t mark_ = 0;
};

}  // namespace kws::app
