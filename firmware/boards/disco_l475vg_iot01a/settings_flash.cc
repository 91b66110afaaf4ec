// Flash of the STM32L475 that kept settings lie in: the last two pages of its second bank (RM0351 3.3). The core goes
// on from the first bank while a page is erased, which takes 22 ms.
//
// Flash is corrected eight bytes at a time. Where power failed while they were written there may be nothing to correct
// them to: reading them raises the non-maskable interrupt, and gives whatever there is.
#include "settings_log/settings_flash.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "disco_l475vg_iot01a/torn_units.h"
#include "stm32l4/stm32l4_registers.h"

volatile bool g_reads_torn_units;

namespace kws::board {
namespace {

volatile bool g_is_torn;

constexpr uint32_t kErrors = flash::kOpErr.mask() | flash::kProgErr.mask() | flash::kWrpErr.mask() |
                             flash::kPgaErr.mask() | flash::kSizErr.mask() | flash::kPgsErr.mask() |
                             flash::kMisErr.mask() | flash::kFastErr.mask();

// 25 ms for a page, in which code that runs from the cache looks up to 700,000 times.
constexpr uint32_t kMostLooks = 2000000;

bool WaitUntilDone() {
  for (uint32_t look = 0; look < kMostLooks; ++look) {
    const uint32_t status = Register(kFlash + flash::kSr);
    if ((status & flash::kBsy.mask()) == 0) return (status & kErrors) == 0;
  }
  return false;
}

// Errors of before would refuse what comes.
void ForgetErrors() { Register(kFlash + flash::kSr) = kErrors; }

}  // namespace

bool ReadUnit(uintptr_t address, Unit* unit) {
  g_is_torn = false;
  g_reads_torn_units = true;
  *unit = {{Register(address), Register(address + sizeof(uint32_t))}};
  SynchronizationBarrier();
  // By now the interrupt has come, and cleared what it came for.
  const bool is_whole = (Register(kFlash + flash::kEccr) & flash::kEccD.mask()) == 0 && !g_is_torn;
  g_reads_torn_units = false;
  return is_whole;
}

bool WriteUnit(uintptr_t address, const Unit& unit) {
  ForgetErrors();
  Register(kFlash + flash::kCr) = flash::kPg.mask();
  Register(address) = unit.words[0];
  SynchronizationBarrier();
  Register(address + sizeof(uint32_t)) = unit.words[1];  // both are written now
  const bool done = WaitUntilDone();
  Register(kFlash + flash::kCr) = 0;
  return done;
}

bool EraseSettingsArea(uintptr_t address) {
  ForgetErrors();
  const uint32_t page = address == kSettingsAreas[0] ? kSettingsPages[0] : kSettingsPages[1];
  const uint32_t settings = flash::kPer.mask() | flash::kBker.mask() | flash::kPnb(page);
  Register(kFlash + flash::kCr) = settings;
  Register(kFlash + flash::kCr) = settings | flash::kStart.mask();
  const bool done = WaitUntilDone();
  Register(kFlash + flash::kCr) = 0;
  return done;
}

}  // namespace kws::board

// Two wrong bits in eight bytes.
extern "C" void KwsTornUnit() {
  using namespace kws::board;
  g_is_torn = true;
  Register(kFlash + flash::kEccr) |= flash::kEccD.mask();  // written as a one it is cleared
}
