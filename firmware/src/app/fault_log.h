// What survives a restart: how often the firmware started and faulted since power-on, and the last fault.
#pragma once

#include <cstdint>

#include "kws/board.h"

namespace kws::app {

// Lies in memory that start-up does not clear.
struct FaultLog {
  uint32_t magic;   // with `crc` tells a log from the noise of power-on
  uint32_t starts;  // since power-on, this one included
  uint32_t faults;  // since power-on
  FaultRecord last;
  uint32_t crc;  // of everything before it
};

// Call once per start, first: recognises power-on (where the memory holds noise) and counts the start. One that the
// watchdog caused is counted as a fault too.
const FaultLog& StartFaultLog();

// The log as it is now. Needs StartFaultLog().
const FaultLog& CurrentFaultLog();

}  // namespace kws::app
