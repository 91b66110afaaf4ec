// B-L475E-IOT01A: start, and its green light.
#include "board_config.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/core.h"
#include "kws/board.h"
#include "stm32/clocks.h"
#include "stm32/pins.h"
#include "stm32/serial.h"
#include "stm32l4/clocks.h"
#include "stm32l4/stm32l4_registers.h"

namespace kws::board {
namespace {

static_assert(kSerialBusHz == kClockHz, "the bus is as fast as the core");

bool g_started_by_watchdog;

}  // namespace

void Init() {
  g_started_by_watchdog = TakeWatchdogFlag();
  StartCycleCounter();
  (void)StartClocks();
  StartSerial(CoreHz(), false);
  Register(kRcc + rcc::kPortEnr) |= kLight.enable.mask();
  UseOutput(kLight);
}

bool StartedByWatchdog() { return g_started_by_watchdog; }

void ShowDetection(bool detected) { SetOutput(kLight, detected); }

}  // namespace kws::board
