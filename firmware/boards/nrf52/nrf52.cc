// The nRF52 as a board: its parts wired together.
#include <cstdint>

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/core.h"
#include "kws/board.h"
#include "kws/microphone.h"
#include "nrf52/nrf52.h"
#include "nrf52/nrf52_registers.h"
#include "nrf52/pin.h"

namespace kws::board {

static_assert(kClockHz == 64000000, "the core has no other clock");

void Init() {
  // Chips of build code F0 and later lock the debug port at each reset, until the firmware opens it, too. That opens
  // nothing where UICR.APPROTECT keeps it shut, and does nothing on older ones.
  Register(kApprotect + approtect::kDisable) = approtect::kSwDisable;
  ReadResetReason();
  StartCycleCounter();
  StartClocks();
  ShowDetection(false);
  StartSerial();
}

uint32_t Idle() {
  MaskInterrupts();  // what arrives from here on still wakes the core
  if (!WaitForSerial() && !microphone::HasSamples()) WaitForInterrupt();
  const uint32_t woke = Ticks();
  StopWaitingForSerial();
  UnmaskInterrupts();
  return woke;
}

uint32_t Ticks() { return CycleCount(); }

TickInfo Clock() { return {g_counts_cycles ? TickInfo::kCycles : TickInfo::kNone, 1, 1}; }

}  // namespace kws::board
