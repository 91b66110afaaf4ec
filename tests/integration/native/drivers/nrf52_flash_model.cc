// Flash of the nRF52 and its controller (nRF52840 PS 4.3 NVMC): words of 32 bits, pages.
#include "flash_model.h"
#include "nrf52/nrf52_registers.h"

namespace kws::model {

const uint32_t kWritesOfAUnit = 2;

namespace {

namespace nvmc = board::nvmc;
using board::kNvmc;

uint32_t Allowed() { return Chip::Get().word(kNvmc + nvmc::kConfig); }

void Erase(uint32_t page) {
  Check(Allowed() == nvmc::kConfigWenErase, "a page is erased when that is allowed");
  Check(g_busy == 0, "the controller is ready before an erasure");
  Check(page == kSettingsAreas[0] || page == kSettingsAreas[1], "no other page is erased");
  g_busy = g_erase_looks;
  EraseWords(IndexOf(page) / kAreaWords);
}

void Write(uintptr_t address, uint32_t value) {
  Check(Allowed() == nvmc::kConfigWenWrite, "flash is written when that is allowed");
  Check(g_busy == 0, "the controller is ready before a word");
  g_busy = 3;
  WriteWord(address, value);
}

}  // namespace

void MapChip() {
  Chip& chip = Chip::Get();
  chip.Map(kNvmc, 0x1000);
  chip.OnRead(kNvmc + nvmc::kReady, []() -> uint32_t { return LookBusy() ? 0 : 1; });
  chip.OnWrite(kNvmc + nvmc::kErasePage, &Erase);
  for (const uintptr_t area : kSettingsAreas) {
    chip.MapMemory(
        area, kSettingsAreaBytes, [](uintptr_t address) { return g_memory.words[IndexOf(address)]; }, &Write);
  }
}

void CheckAtRest() { Check(Allowed() == nvmc::kConfigWenRead, "flash is left write-protected"); }

void LeaveErrors() {}  // it has none

size_t TimesOpened() { return Chip::Get().Writes(kNvmc + nvmc::kConfig); }

}  // namespace kws::model
