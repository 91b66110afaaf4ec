// What the controllers of the STM32F4's flash (RM0090 3) and of the STM32L4's (RM0351 3) have alike.
#pragma once

#include "flash_model.h"

namespace kws::model {

namespace flash = board::flash;
using board::kFlash;

inline uint32_t g_status;  // less BSY
inline uint32_t g_keys;    // that were right so far

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

inline void MapController() {
  Chip& chip = Chip::Get();
  chip.Map(kFlash, 0x400);
  chip.Set(kFlash + flash::kCr, flash::kLock.mask());
  chip.Set(kFlash + flash::kAcr, flash::kDcEn.mask() | flash::kIcEn.mask());
  g_status = 0;
  g_keys = 0;
  chip.OnWrite(kFlash + flash::kKeyr, [](uint32_t key) {
    Check(Has(Control(), flash::kLock), "a key for flash that is not locked locks it until a reset");
    Check(key == (g_keys == 0 ? 0x45670123u : 0xCDEF89ABu), "a wrong key locks it until a reset");
    if (++g_keys < 2) return;
    g_keys = 0;
    Chip::Get().Set(kFlash + flash::kCr, Control() & ~flash::kLock.mask());
  });
  chip.OnRead(kFlash + flash::kSr, []() -> uint32_t { return LookBusy() ? g_status | flash::kBsy.mask() : g_status; });
  chip.OnWrite(kFlash + flash::kSr, [](uint32_t ones) { g_status &= ~ones; });
  chip.OnWrite(kFlash + flash::kAcr, [](uint32_t word) {
    Check(!Has(word, flash::kDcRst) || !Has(word, flash::kDcEn), "the data cache is emptied while it is off");
  });
}

}  // namespace kws::model
