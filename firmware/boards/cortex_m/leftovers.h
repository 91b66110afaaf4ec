// What a boot loader may have left running. Private to firmware/boards.
#pragma once

#include <cstdint>

#include "cortex_m/registers.h"

namespace kws::board {

// No interrupt of the chip, the core's timer or an earlier program is enabled or pending any more.
//   lines  that the chip has
inline void ClearLeftovers(uint32_t lines) {
  for (uint32_t line = 0; line < lines; line += 32) {
    Register(kNvicClearEnable + line / 8) = 0xFFFFFFFF;
    Register(kNvicClearPending + line / 8) = 0xFFFFFFFF;
  }
  Register(kSysTickControl) = 0;
  Register(kIcsr) = kIcsrClearPendingTick | kIcsrClearPendingCall;
  SynchronizationBarrier();
}

}  // namespace kws::board
