// What survives a restart: how often the firmware started and faulted since power-on, and the last fault.
#pragma once

#include <cstdint>

#include "kws/board.h"

namespace kws::app {

struct FaultLog {
  uint32_t magic;
  uint32_t starts;
  uint32_t faults;
  FaultRecord last;
  uint32_t crc;  // of everything before it
};

// Call once per start, first: recognises power-on (where the memory holds noise) and counts the start.
const FaultLog& StartFaultLog();

const FaultLog& CurrentFaultLog();

}  // namespace kws::app
