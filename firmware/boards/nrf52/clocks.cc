// Clocks of the nRF52: the core runs at 64 MHz from reset on, and peripherals at 16 and 32 MHz. All of them come from
// the internal oscillator, which may be off by several per cent, until the crystal of 32 MHz is started.
#include "nrf52/nrf52.h"

#include "cortex_m/access.h"
#include "nrf52/nrf52_registers.h"

namespace kws::board {

void StartClocks() {
  // Flash answers late at 64 MHz.
  Register(kNvmc + nvmc::kIcacheCnf) = nvmc::kIcacheCnfCacheEn(nvmc::kIcacheCnfEnabled);
  Register(kClock + clock::kEventsHfclkStarted) = 0;
  Register(kClock + clock::kTasksHfclkStart) = 1;
  for (uint32_t look = 0; look < kMostLooks && Register(kClock + clock::kEventsHfclkStarted) == 0; ++look) {
  }
}

bool CrystalRuns() {
  constexpr uint32_t kRuns =
      clock::kHfclkStatSrc(clock::kHfclkStatSrcXtal) | clock::kHfclkStatState(clock::kHfclkStatStateRunning);
  return (Register(kClock + clock::kHfclkStat) & kRuns) == kRuns;
}

}  // namespace kws::board
