// Flash of the nRF52 that kept settings lie in: its last two pages (nRF52840 PS 4.3). A page takes 85 ms to be erased,
// in which the core stands still.
#include "settings_log/settings_flash.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "nrf52/nrf52_registers.h"

namespace kws::board {
namespace {

// A page takes 85 ms, in which code that runs from the cache looks up to 700,000 times.
constexpr uint32_t kMostLooksAtFlash = 2000000;

bool WaitUntilReady() {
  for (uint32_t look = 0; look < kMostLooksAtFlash; ++look) {
    if (nvmc::kReadyReady.Of(Register(kNvmc + nvmc::kReady)) != 0) return true;
  }
  return false;
}

void Allow(uint32_t what) {
  Register(kNvmc + nvmc::kConfig) = nvmc::kConfigWen(what);
  SynchronizationBarrier();
}

bool WriteWord(uintptr_t address, uint32_t word) {
  Register(address) = word;
  return WaitUntilReady();
}

}  // namespace

bool OpenSettingsFlash() { return WaitUntilReady(); }

void CloseSettingsFlash() { Allow(nvmc::kConfigWenRead); }

bool ReadUnit(uintptr_t address, Unit* unit) {
  *unit = {{Register(address), Register(address + sizeof(uint32_t))}};
  return true;
}

bool WriteUnit(uintptr_t address, const Unit& unit) {
  Allow(nvmc::kConfigWenWrite);
  // The second word makes a record's first unit whole.
  return WriteWord(address, unit.words[0]) && WriteWord(address + sizeof(uint32_t), unit.words[1]);
}

bool EraseSettingsArea(uintptr_t address) {
  Allow(nvmc::kConfigWenErase);
  Register(kNvmc + nvmc::kErasePage) = static_cast<uint32_t>(address);
  return WaitUntilReady();
}

}  // namespace kws::board
