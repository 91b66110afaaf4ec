// Flash of the STM32L4 (RM0351 3.3): eight bytes at once, with an error correction of their own; pages.
#include "disco_l475vg_iot01a/torn_units.h"
#include "stm32_flash_model.h"

namespace kws::model {

const uint32_t kWritesOfAUnit = 1;

namespace {

constexpr uint32_t kNone = UINT32_MAX;

uint32_t g_half_index;  // of the first word that waits for its second
uint32_t g_half;

void Erase(uint32_t area) {
  CheckMayChange();
  const Power power = TakePower();
  g_busy = g_erase_looks;
  if (power == Power::kOff) return;
  ++g_erased;
  for (uint32_t i = area * kAreaWords; i < (area + 1) * kAreaWords; i += 2) {
    const bool is_done = power == Power::kOn || Noise() >> 30 == 0;
    if (is_done) g_memory.words[i] = g_memory.words[i + 1] = UINT32_MAX;
    g_memory.torn[i / 2] = !is_done && (Noise() >> 31 != 0 || g_memory.torn[i / 2]);
  }
}

void Write(uintptr_t address, uint32_t value) {
  CheckMayChange();
  Check(Control() == flash::kPg.mask(), "flash is written when that is allowed");
  const uint32_t index = IndexOf(address);
  if (index % 2 == 0) {
    Check(g_half_index == kNone, "eight bytes are written behind one another");
    g_half_index = index;
    g_half = value;
    return;
  }
  Check(g_half_index == index - 1, "the second half of the eight bytes");
  g_half_index = kNone;
  uint32_t* unit = &g_memory.words[index - 1];
  Check((unit[0] & unit[1]) == UINT32_MAX || g_writes_fail || g_power_left == 0, "only erased flash is written");
  g_busy = 5;
  switch (TakePower()) {
    case Power::kOn:
      if (g_writes_fail) {
        g_status |= flash::kProgErr.mask();
      } else {
        unit[0] = g_half;
        unit[1] = value;
      }
      break;
    case Power::kFails:
      unit[0] = g_half;
      unit[1] = value;
      g_memory.torn[index / 2] = true;
      break;
    case Power::kOff:
      break;
  }
}

// A torn unit raises the non-maskable interrupt, whose handler is in assembly but for this (non_maskable.cc).
uint32_t Read(uintptr_t address) {
  const uint32_t index = IndexOf(address);
  if (g_memory.torn[index / 2]) {
    Check(g_reads_torn_units, "an interrupt that is not expected is a fault");
    Chip::Get().Set(kFlash + flash::kEccr, flash::kEccD.mask());
    KwsTornUnit();
    Check(Chip::Get().word(kFlash + flash::kEccr) == 0, "the interrupt would come again and again");
    return g_memory.words[index] ^ (Noise() >> 31 != 0 ? 0 : Noise());
  }
  return g_memory.words[index];
}

}  // namespace

void MapChip() {
  MapController();
  g_half_index = kNone;
  Check(!g_reads_torn_units, "whoever reads has ended");
  Chip& chip = Chip::Get();
  chip.OnWrite(kFlash + flash::kEccr, [](uint32_t ones) {
    Check(Has(ones, flash::kEccD), "what has come is cleared");
    Chip::Get().Set(kFlash + flash::kEccr, 0);
  });
  chip.OnWrite(kFlash + flash::kCr, [](uint32_t word) {
    if (!Has(word, flash::kStart)) return;
    const uint32_t page = flash::kPnb.Of(word);
    Check(page == 254 || page == 255, "no other page is erased");
    Check(word == (flash::kPer.mask() | flash::kBker.mask() | flash::kPnb(page) | flash::kStart.mask()), "of bank 2");
    Erase(page - 254);
  });
  for (const uintptr_t area : kSettingsAreas) chip.MapMemory(area, kSettingsAreaBytes, &Read, &Write);
}

}  // namespace kws::model
