// What the boards with an STM32 that no emulator has do alike: sleep, ticks, watchdog.
#include <cstdint>

#include "board_config.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/core.h"
#include "cortex_m/line_handlers.h"
#include "cortex_m/registers.h"
#include "kws/board.h"
#include "kws/microphone.h"
#include "stm32/clocks.h"
#include "stm32/serial.h"
#include "stm32/stm32_registers.h"

namespace kws::board {
namespace {

// The watchdog's own oscillator has 32 kHz in the mean: STM32F4 17 to 47, 4 seconds of it are 2.7 to 7.5; STM32L4 29.5
// to 34, 3.8 to 4.3.
constexpr uint32_t kWatchdogHz = 32000 / 64;
constexpr uint32_t kWatchdogReload = 4 * kWatchdogHz - 1;

// The watchdog counts while the core sleeps: the core's timer, which runs at an eighth of its clock, wakes it in time.
constexpr uint32_t kWakesPerSecond = 2;
constexpr uint32_t TimerReload(uint32_t core_hz) { return core_hz / 8 / kWakesPerSecond - 1; }
static_assert(TimerReload(kClockHz) < 1u << 24, "the timer has 24 bits");

bool g_watchdog_runs;

void StartWatchdog() {
  Register(kSysTickReload) = TimerReload(CoreHz());
  Register(kSysTickValue) = 0;
  Register(kSysTickControl) = kSysTickInterrupts | kSysTickRuns;
  Register(kDbg + dbg::kApb1Freeze) |= dbg::kIwdgStop.mask();  // it rests while a debugger holds the core
  Register(kIwdg + iwdg::kKr) = iwdg::kKeyStart;
  Register(kIwdg + iwdg::kKr) = iwdg::kKeyUnlock;
  Register(kIwdg + iwdg::kPr) = iwdg::kPrescaler(iwdg::kPrescaler64);
  Register(kIwdg + iwdg::kRlr) = iwdg::kReload(kWatchdogReload);
  // Both are taken over within five of its own clocks, before which the reload would be the former.
  for (uint32_t tries = 0; tries < kClockHz / 1000; ++tries) {
    if ((Register(kIwdg + iwdg::kSr) & (iwdg::kPvu.mask() | iwdg::kRvu.mask())) == 0) break;
  }
}

}  // namespace

void FeedWatchdog() {
  if (!g_watchdog_runs) {
    g_watchdog_runs = true;
    StartWatchdog();
  }
  TendClocks();
  Register(kIwdg + iwdg::kKr) = iwdg::kKeyReload;
}

uint32_t Idle() {
  MaskInterrupts();  // a byte or a block that arrives from here on still wakes the core
  if (!SerialHasBytes() && !microphone::HasSamples()) WaitForInterrupt();
  const uint32_t woke = Ticks();
  UnmaskInterrupts();
  return woke;
}

uint32_t Ticks() { return g_counts_cycles ? CycleCount() : 0; }

TickInfo Clock() { return {g_counts_cycles ? TickInfo::kCycles : TickInfo::kNone, 1, 1}; }

}  // namespace kws::board

// It woke the core, which is all.
extern "C" void KwsTickInterrupt() {}
