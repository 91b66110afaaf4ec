// Kept settings of the nRF52 in a model of its flash and its controller (nRF52840 PS 4.3 NVMC).
#include "kws/settings.h"

#include <cstring>

#include "board_config.h"
#include "cases.h"
#include "nrf52/nrf52.h"
#include "nrf52/nrf52_registers.h"
#include "register_model.h"

namespace {

using kws::Status;
using kws::board::kNvmc;
using kws::board::kPageBytes;
using kws::board::kSettingsPage;
using kws::board::LoadSettings;
using kws::board::SaveSettings;
using kws::model::Check;
using kws::model::Chip;
namespace nvmc = kws::board::nvmc;

uint32_t g_flash[kPageBytes / 4];
uint32_t g_busy;         // looks at READY until the controller has done its work
uint32_t g_power_left;   // writes and erasures until the power fails
uint32_t g_erase_looks;  // that an erasure takes
bool g_writes_fail;

bool PowerLeft() {
  if (g_power_left != 0) --g_power_left;
  return g_power_left != 0;
}

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kNvmc, 0x1000);
  chip.Map(kSettingsPage, kPageBytes);
  g_busy = 0;
  g_power_left = UINT32_MAX;
  g_erase_looks = 100;
  g_writes_fail = false;
  chip.OnRead(kNvmc + nvmc::kReady, []() -> uint32_t {
    if (g_busy > 1000) Chip::Get().ClearLog();
    if (g_busy != 0) --g_busy;
    return g_busy != 0 ? 0 : 1;
  });
  chip.OnWrite(kNvmc + nvmc::kErasePage, [](uint32_t page) {
    Check(Chip::Get().word(kNvmc + nvmc::kConfig) == nvmc::kConfigWenErase, "a page is erased when that is allowed");
    Check(g_busy == 0, "the controller is ready before an erasure");
    Check(page == kSettingsPage, "no other page is erased");
    g_busy = g_erase_looks;
    if (PowerLeft()) std::memset(g_flash, 0xFF, sizeof(g_flash));
  });
  for (uint32_t i = 0; i < kPageBytes / 4; ++i) {
    chip.OnRead(kSettingsPage + 4 * i, [i] { return g_flash[i]; });
    chip.OnWrite(kSettingsPage + 4 * i, [i](uint32_t word) {
      Check(Chip::Get().word(kNvmc + nvmc::kConfig) == nvmc::kConfigWenWrite, "flash is written when that is allowed");
      Check(g_busy == 0, "the controller is ready before a word");
      g_busy = 3;
      if (PowerLeft() && !g_writes_fail) g_flash[i] &= word;
    });
  }
}

void NewChip() {
  std::memset(g_flash, 0xFF, sizeof(g_flash));
  PowerUp();
}

constexpr uint8_t kFirst[] = {1, 2, 3, 4, 5, 6, 7};
constexpr uint8_t kSecond[] = {255, 0, 255, 0, 9, 8, 7, 6, 5};

void Expect(const uint8_t* data, size_t size) {
  uint8_t loaded[64];
  std::memset(loaded, 0xAA, sizeof(loaded));
  Check(LoadSettings(loaded, sizeof(loaded)) == size, "the size");
  Check(std::memcmp(loaded, data, size) == 0, "the bytes");
  Check(loaded[size] == 0xAA, "a byte behind them");
}

void NewChipHasNone() {
  NewChip();
  uint8_t loaded[64];
  Check(LoadSettings(loaded, sizeof(loaded)) == 0, "settings of a new chip");
}

void WhatWasSavedLastIsLoaded() {
  NewChip();
  for (int round = 0; round < 3; ++round) {
    Check(SaveSettings(kFirst, sizeof(kFirst)) == Status::kOk, "the first");
    PowerUp();
    Expect(kFirst, sizeof(kFirst));
    Check(SaveSettings(kSecond, sizeof(kSecond)) == Status::kOk, "the second");
    Check(Chip::Get().word(kNvmc + nvmc::kConfig) == nvmc::kConfigWenRead, "flash is left write-protected");
    PowerUp();
    Expect(kSecond, sizeof(kSecond));
  }
}

void SavingNoneForgets() {
  NewChip();
  Check(SaveSettings(kFirst, sizeof(kFirst)) == Status::kOk, "some");
  Check(SaveSettings(nullptr, 0) == Status::kOk, "none");
  PowerUp();
  NewChipHasNone();
}

void TooLargeIsRefusedAndTooSmallIsNotFilled() {
  NewChip();
  static uint8_t large[kPageBytes];
  Check(SaveSettings(large, kPageBytes - 3) == Status::kOutOfRange, "a byte more than a page");
  Check(Chip::Get().Writes(kNvmc + nvmc::kErasePage) == 0, "nothing is erased for what has no room");
  Check(SaveSettings(large, kPageBytes - 4) == Status::kOk, "a whole page");
  Check(LoadSettings(large, kPageBytes - 5) == 0, "room for a byte less");
  Check(LoadSettings(large, kPageBytes) == kPageBytes - 4, "room for all");
}

// Wherever the power fails there are the settings of before, the new ones, or none.
void PowerFailsAnywhere() {
  for (uint32_t left = 1; left < 8; ++left) {
    NewChip();
    Check(SaveSettings(kFirst, sizeof(kFirst)) == Status::kOk, "the first");
    g_power_left = left;
    (void)SaveSettings(kSecond, sizeof(kSecond));
    PowerUp();
    uint8_t loaded[64];
    const size_t size = LoadSettings(loaded, sizeof(loaded));
    Check(size == 0 || (size == sizeof(kFirst) && std::memcmp(loaded, kFirst, size) == 0) ||
              (size == sizeof(kSecond) && std::memcmp(loaded, kSecond, size) == 0),
          "half of the settings");
  }
}

void FlashThatDoesNotTakeThemSaysSo() {
  NewChip();
  g_writes_fail = true;
  Check(SaveSettings(kFirst, sizeof(kFirst)) == Status::kDataLoss, "worn flash");
}

// A page takes 85 ms: as many looks as code from the cache has time for.
void SlowEraseIsWaitedFor() {
  NewChip();
  g_erase_looks = 1500000;
  Check(SaveSettings(kFirst, sizeof(kFirst)) == Status::kOk, "an erasure that takes long");
  Expect(kFirst, sizeof(kFirst));
}

void ControllerThatIsNeverReadySaysSo() {
  NewChip();
  g_erase_looks = UINT32_MAX;
  Check(SaveSettings(kFirst, sizeof(kFirst)) == Status::kDataLoss, "it would write while the controller is busy");
  g_busy = 0;
  Check(SaveSettings(nullptr, 0) == Status::kDataLoss, "an erasure that never ended is no success");
  Check(Chip::Get().word(kNvmc + nvmc::kConfig) == nvmc::kConfigWenRead, "flash is left write-protected");
}

constexpr Case kCases[] = {
    {"new_chip_has_none", &NewChipHasNone},
    {"what_was_saved_last_is_loaded", &WhatWasSavedLastIsLoaded},
    {"saving_none_forgets", &SavingNoneForgets},
    {"too_large_is_refused", &TooLargeIsRefusedAndTooSmallIsNotFilled},
    {"power_fails_anywhere", &PowerFailsAnywhere},
    {"worn_flash_says_so", &FlashThatDoesNotTakeThemSaysSo},
    {"slow_erase_is_waited_for", &SlowEraseIsWaitedFor},
    {"controller_that_is_never_ready_says_so", &ControllerThatIsNeverReadySaysSo},
};

}  // namespace

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
