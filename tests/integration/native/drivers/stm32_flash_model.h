// What the models of the flash of the STM32F4 (RM0090 3) and the STM32L4 (RM0351 3) have alike. Of both areas of kept
// settings, nothing else: whoever touches more ends the test.
#pragma once

#include <cstdint>
#include <vector>

#include "board_config.h"
#include "register_model.h"

namespace kws::model {

namespace flash = board::flash;
using board::kFlash;
using board::kSettingsAreaBytes;
using board::kSettingsAreas;

constexpr uint32_t kAreaWords = kSettingsAreaBytes / 4;
constexpr uint32_t kWholeLooks = 100;  // that an erasure takes

// Both areas behind one another, and which units of two words cannot be corrected (STM32L4).
struct Memory {
  std::vector<uint32_t> words = std::vector<uint32_t>(2 * kAreaWords, UINT32_MAX);
  std::vector<bool> torn = std::vector<bool>(kAreaWords, false);
};

inline Memory g_memory;
inline uint32_t g_status;      // less BSY
inline uint32_t g_busy;        // looks at the status until the controller has done its work
inline uint32_t g_power_left;  // times that flash is written, or erased, until the power fails
inline uint32_t g_erase_looks;
inline bool g_writes_fail;
inline uint32_t g_erased;  // areas, since power came
inline uint32_t g_noise = 1;
inline uint32_t g_keys;  // that were right so far

inline uint32_t Noise() { return g_noise = 1664525u * g_noise + 1013904223u; }

// Of a word of an area.
inline uint32_t IndexOf(uintptr_t address) {
  for (uint32_t area = 0; area < 2; ++area) {
    if (address - kSettingsAreas[area] < kSettingsAreaBytes) {
      return area * kAreaWords + static_cast<uint32_t>(address - kSettingsAreas[area]) / 4;
    }
  }
  Fail("flash that is not the settings'", address);
}

// How the power stands at the moment of a word, or an area.
enum class Power { kOn, kFails, kOff };
inline Power TakePower() {
  if (g_power_left == 0) return Power::kOff;
  --g_power_left;
  return g_power_left == 0 ? Power::kFails : Power::kOn;
}

inline uint32_t Control() { return Chip::Get().word(kFlash + flash::kCr); }
inline bool Has(uint32_t word, board::Field field) { return (word & field.mask()) != 0; }
inline bool IsCacheOn() { return Has(Chip::Get().word(kFlash + flash::kAcr), flash::kDcEn); }

// What is asked for before a word is written or an area erased.
inline void CheckMayChange() {
  Check(!Has(Control(), flash::kLock), "flash is changed while it is locked");
  Check(g_busy == 0, "the controller is ready before it gets work");
  Check(!IsCacheOn(), "the data cache is off while flash changes");
  Check(g_status == 0, "errors of before refuse it");
}

// Each chip's: what its controller and its memory do, and of how many writes a unit of eight bytes is.
void MapChip();
extern const uint32_t kWritesOfAUnit;

inline void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kFlash, 0x400);
  chip.Set(kFlash + flash::kCr, flash::kLock.mask());
  chip.Set(kFlash + flash::kAcr, flash::kDcEn.mask() | flash::kIcEn.mask());
  g_status = 0;
  g_busy = 0;
  g_power_left = UINT32_MAX;
  g_erase_looks = kWholeLooks;
  g_writes_fail = false;
  g_erased = 0;
  g_keys = 0;
  chip.OnWrite(kFlash + flash::kKeyr, [](uint32_t key) {
    Check(Has(Control(), flash::kLock), "a key for flash that is not locked locks it until a reset");
    Check(key == (g_keys == 0 ? 0x45670123u : 0xCDEF89ABu), "a wrong key locks it until a reset");
    if (++g_keys < 2) return;
    g_keys = 0;
    Chip::Get().Set(kFlash + flash::kCr, Control() & ~flash::kLock.mask());
  });
  chip.OnRead(kFlash + flash::kSr, []() -> uint32_t {
    if (Chip::Get().log().size() > 1000) Chip::Get().ClearLog();
    if (g_busy != 0) --g_busy;
    return g_busy != 0 ? g_status | flash::kBsy.mask() : g_status;
  });
  chip.OnWrite(kFlash + flash::kSr, [](uint32_t ones) { g_status &= ~ones; });
  chip.OnWrite(kFlash + flash::kAcr, [](uint32_t word) {
    Check(!Has(word, flash::kDcRst) || !Has(word, flash::kDcEn), "the data cache is emptied while it is off");
  });
  MapChip();
}

inline void NewChip() {
  g_memory = Memory();
  PowerUp();
}

}  // namespace kws::model
