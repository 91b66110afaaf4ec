// Flash of the STM32F407 that kept settings lie in: its last two sectors (RM0090 3.6). A sector takes a second or two
// to be erased, in which the core stands still: once in some hundred times that settings are saved.
#include "settings_log/settings_flash.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "kws/board.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board {
namespace {

static_assert(kUnitBytes == 2 * sizeof(uint32_t));

constexpr uint32_t kErrors = flash::kOpErr.mask() | flash::kWrpErr.mask() | flash::kPgaErr.mask() |
                             flash::kPgpErr.mask() | flash::kPgsErr.mask();

// 2 s for a sector, in which code that runs from the cache looks up to 60 million times. A controller that is never
// done is the watchdog's.
constexpr uint32_t kMostLooks = 100000000;

bool WaitUntilDone() {
  for (uint32_t look = 0; look < kMostLooks; ++look) {
    const uint32_t status = Register(kFlash + flash::kSr);
    if ((status & flash::kBsy.mask()) == 0) return (status & kErrors) == 0;
  }
  return false;
}

// Errors of before would refuse what comes.
void ForgetErrors() { Register(kFlash + flash::kSr) = kErrors; }

bool WriteWord(uintptr_t address, uint32_t word) {
  Register(address) = word;
  return WaitUntilDone();
}

}  // namespace

bool ReadUnit(uintptr_t address, Unit* unit) {
  *unit = {{Register(address), Register(address + sizeof(uint32_t))}};
  return true;
}

bool WriteUnit(uintptr_t address, const Unit& unit) {
  ForgetErrors();
  Register(kFlash + flash::kCr) = flash::kPSize(flash::kPSizeWord) | flash::kPg.mask();
  // The second word makes a record's first unit whole.
  const bool done = WriteWord(address, unit.words[0]) && WriteWord(address + sizeof(uint32_t), unit.words[1]);
  Register(kFlash + flash::kCr) = 0;
  return done;
}

bool EraseSettingsArea(uintptr_t address) {
  ForgetErrors();
  FeedWatchdog();  // which waits for 2.7 seconds or longer
  const uint32_t sector = address == kSettingsAreas[0] ? kSettingsSectors[0] : kSettingsSectors[1];
  const uint32_t settings = flash::kPSize(flash::kPSizeWord) | flash::kSer.mask() | flash::kSnb(sector);
  Register(kFlash + flash::kCr) = settings;
  Register(kFlash + flash::kCr) = settings | flash::kStrt.mask();
  const bool done = WaitUntilDone();
  Register(kFlash + flash::kCr) = 0;
  FeedWatchdog();
  return done;
}

}  // namespace kws::board
