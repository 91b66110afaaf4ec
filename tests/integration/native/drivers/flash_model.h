// The flash that kept settings lie in, both areas of it and nothing else: whoever touches more ends the test. What the
// chips' models have alike, and what settings_log_test.cc asks of each.
#pragma once

#include <cstdint>
#include <vector>

#include "board_config.h"
#include "register_model.h"

namespace kws::model {

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
inline uint32_t g_busy;        // looks at the controller until the controller has done its work
inline uint32_t g_power_left;  // times that flash is written, or erased, until the power fails
inline uint32_t g_erase_looks;
inline bool g_writes_fail;
inline uint32_t g_erased;  // areas, since power came
inline uint32_t g_noise = 1;

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

// Flash that is written in words of 32 bits: bits only become 0, and where the power fails some of them do.
inline void WriteWord(uintptr_t address, uint32_t value) {
  uint32_t& word = g_memory.words[IndexOf(address)];
  Check(word == UINT32_MAX || g_writes_fail || g_power_left == 0, "only erased flash is written");
  const Power power = TakePower();
  if (power == Power::kOn && !g_writes_fail) word &= value;
  if (power == Power::kFails) word &= value | Noise();
}

// An area becomes ones, and where the power fails some bits of it do.
inline void EraseWords(uint32_t area) {
  const Power power = TakePower();
  if (power == Power::kOff) return;
  ++g_erased;
  for (uint32_t i = area * kAreaWords; i < (area + 1) * kAreaWords; ++i) {
    uint32_t risen = UINT32_MAX;
    if (power == Power::kFails) {
      risen = Noise();
      risen &= Noise();  // a quarter of them
    }
    g_memory.words[i] |= risen;
  }
}

// Each chip's: what its controller and its memory do, from power-on; of how many writes a unit of eight bytes is;
// whether it is left as it was found, for reading alone; what others may have left standing; how often it was opened.
void MapChip();
extern const uint32_t kWritesOfAUnit;
void CheckAtRest();
void LeaveErrors();
size_t TimesOpened();

inline void PowerUp() {
  Chip::Get().Reset();
  g_busy = 0;
  g_power_left = UINT32_MAX;
  g_erase_looks = kWholeLooks;
  g_writes_fail = false;
  g_erased = 0;
  MapChip();
}

inline void NewChip() {
  g_memory = Memory();
  PowerUp();
}

// A look at the controller. Returns whether it is busy.
inline bool LookBusy() {
  if (Chip::Get().log().size() > 1000) Chip::Get().ClearLog();
  if (g_busy != 0) --g_busy;
  return g_busy != 0;
}

}  // namespace kws::model
