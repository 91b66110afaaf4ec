// Watchdog and reset reason of the nRF52.
//
// A turn of the main loop may take kWatchdogSeconds. The watchdog rests while the core sleeps, and while a debugger
// holds it: a host may be silent for hours. It cannot be stopped, and a restart by software leaves it running.
#include <cstdint>

#include "cortex_m/access.h"
#include "kws/board.h"
#include "nrf52/nrf52.h"
#include "nrf52/nrf52_registers.h"

namespace kws::board {
namespace {

constexpr uint32_t kWatchdogSeconds = 4;
constexpr uint32_t kWatchdogHz = 32768;  // of the low-frequency clock, which it starts itself
constexpr uint32_t kReloadRegisters = 8;

bool g_started_by_watchdog;

bool Runs() { return wdt::kRunStatusRunStatus.Of(Register(kWdt + wdt::kRunStatus)) != 0; }

void Start() {
  Register(kWdt + wdt::kConfig) = wdt::kConfigSleep(wdt::kConfigSleepPause) | wdt::kConfigHalt(wdt::kConfigHaltPause);
  Register(kWdt + wdt::kCrv) = kWatchdogSeconds * kWatchdogHz - 1;
  Register(kWdt + wdt::kRrEn) = wdt::kRrEnRr0.mask();
  Register(kWdt + wdt::kTasksStart) = 1;
}

}  // namespace

void ReadResetReason() {
  const uint32_t reasons = Register(kPower + power::kResetReas);
  Register(kPower + power::kResetReas) = reasons;  // ones clear; they would add up over resets
  // Anomaly 136: a reset by the pin may set other bits, too.
  const bool by_pin = power::kResetReasResetPin.Of(reasons) != 0;
  g_started_by_watchdog = !by_pin && power::kResetReasDog.Of(reasons) != 0;
}

bool StartedByWatchdog() { return g_started_by_watchdog; }

void FeedWatchdog() {
  if (!Runs()) return Start();
  // It may run since before the restart, or started by a boot loader, with other requests.
  const uint32_t wanted = Register(kWdt + wdt::kRrEn);
  for (uint32_t i = 0; i < kReloadRegisters; ++i) {
    if ((wanted >> i & 1) != 0) Register(kWdt + wdt::kRr + wdt::kRrStride * i) = wdt::kRrReload;
  }
}

}  // namespace kws::board
