// Flash of the STM32F4 (RM0090 3.6): words of 32 bits, sectors.
#include "kws/board.h"
#include "stm32_flash_model.h"

namespace kws::model {

const uint32_t kWritesOfAUnit = 2;

namespace {

bool g_fed;  // the watchdog, since flash was erased last

void Erase(uint32_t area) {
  CheckMayChange();
  Check(g_fed, "the watchdog is fed before the core stands still for two seconds");
  g_fed = false;
  g_busy = g_erase_looks;
  EraseWords(area);
}

void Write(uintptr_t address, uint32_t value) {
  CheckMayChange();
  Check(Control() == (flash::kPSize(2) | flash::kPg.mask()), "words are written when that is allowed");
  g_busy = 5;
  WriteWord(address, value);
}

}  // namespace

void MapChip() {
  MapController();
  g_fed = false;
  Chip& chip = Chip::Get();
  chip.OnWrite(kFlash + flash::kCr, [](uint32_t word) {
    if (!Has(word, flash::kStrt)) return;
    Check(word == (flash::kPSize(2) | flash::kSer.mask() | flash::kSnb(10) | flash::kStrt.mask()) ||
              word == (flash::kPSize(2) | flash::kSer.mask() | flash::kSnb(11) | flash::kStrt.mask()),
          "no other sector is erased");
    Erase(flash::kSnb.Of(word) - 10);
  });
  for (const uintptr_t area : kSettingsAreas) {
    chip.MapMemory(
        area, kSettingsAreaBytes, [](uintptr_t address) { return g_memory.words[IndexOf(address)]; }, &Write);
  }
}

}  // namespace kws::model

void kws::board::FeedWatchdog() { kws::model::g_fed = true; }
