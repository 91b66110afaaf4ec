// The clocks of the STM32F405 and STM32F407 on a model of their registers (RM0090 7.2, 7.3, 3.5.1).
#include "stm32f4/clocks.h"

#include <cstdio>

#include "board_config.h"
#include "cases.h"
#include "register_model.h"
#include "stm32/clocks.h"
#include "stm32/stm32_registers.h"
#include "stm32_model.h"

namespace {

using kws::board::kFlash;
using kws::board::kRcc;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
using kws::model::Follower;
namespace flash = kws::board::flash;
namespace rcc = kws::board::rcc;

constexpr uintptr_t kCr = kRcc + rcc::kCr;
constexpr uintptr_t kCfgr = kRcc + rcc::kCfgr;
constexpr uint32_t kFromPll = 2;

Follower g_crystal(kCr, rcc::kHseOn, rcc::kHseRdy);
Follower g_pll(kCr, rcc::kPllOn, rcc::kPllRdy);
Follower g_oscillator(kCr, rcc::kHsiOn, rcc::kHsiRdy);

bool IsSet(uintptr_t address, kws::board::Field field) { return (Chip::Get().word(address) & field.mask()) != 0; }

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kRcc, 0x400);
  chip.Map(kFlash, 0x400);
  chip.Map(kws::board::kDbg, 0x400);
  chip.Set(kws::board::kDbg, 0x10016413);  // revision Z
  chip.Set(kCr, 0x83);  // the internal oscillator is on and ready
  chip.OnRead(kCr, [] {
    g_oscillator.Look();
    g_crystal.Look();
    g_pll.Look();
    return Chip::Get().word(kCr);
  });
  chip.OnWrite(kCr, [](uint32_t value) {
    if ((value & rcc::kPllOn.mask()) == 0 && (Chip::Get().word(kCfgr) >> 2 & 3) == kFromPll) {
      Fail("the clock that the core runs on was switched off", kCr);
    }
  });
  chip.OnWrite(kRcc + rcc::kPllCfgr, [](uint32_t) {
    if (IsSet(kCr, rcc::kPllOn) || IsSet(kCr, rcc::kPllRdy)) Fail("the PLL was set up while it is on", kRcc);
    if (!IsSet(kCr, rcc::kHseRdy)) Fail("the crystal was chosen before it runs", kRcc);
  });
  chip.OnWrite(kCfgr, [](uint32_t value) {
    if ((value & 3) == 0) {
      if (!IsSet(kCr, rcc::kHsiRdy)) Fail("an oscillator was chosen that does not run", kRcc);
      Chip::Get().Set(kCfgr, value & ~0xFu);
      return;
    }
    if (!IsSet(kCr, rcc::kPllRdy)) Fail("a clock was chosen that does not run", kRcc);
    if (Chip::Get().word(kFlash + flash::kAcr) % 8 != 5) Fail("a fast clock before the flash waits for it", kRcc);
    if (rcc::kPpre1.Of(value) != rcc::kPpre1DividedBy4) Fail("a fast clock before its bus divides it", kRcc);
    Chip::Get().Set(kCfgr, (value & ~0xCu) | (value & 3) << 2);  // SWS
  });
}

void RunsFromTheCrystal() {
  PowerUp();
  Check(kws::board::StartClocks() && kws::board::CoreHz() == KWS_CLOCK_HZ, "StartClocks()");
  Chip& chip = Chip::Get();
  Check((chip.word(kCfgr) >> 2 & 3) == kFromPll, "the core does not run from the PLL");
  const uint32_t flash_word = chip.word(kFlash + flash::kAcr);
  Check(flash_word == (5u | 7u << 8), "the flash has its wait states, and caches");
  std::printf("PLLCFGR 0x%08x CFGR 0x%08x ACR 0x%08x crystal %u core %u\n", chip.word(kRcc + rcc::kPllCfgr),
              chip.word(kCfgr), flash_word, kws::board::kCrystalHz, KWS_CLOCK_HZ);
}

// A boot loader jumped here from a PLL of its own, the internal oscillator off.
void ABootLoadersPllIsLeftFirst() {
  for (const uint32_t cr : {0x03030000u, 0x03000083u}) {
    PowerUp();
    Chip& chip = Chip::Get();
    chip.Set(kCr, cr);
    chip.Set(kRcc + rcc::kPllCfgr, 0x12345678);
    chip.Set(kCfgr, cr == 0x03030000u ? kFromPll | kFromPll << 2 : 0);  // or it left the PLL itself, but on
    Check(kws::board::StartClocks() && chip.Writes(kRcc + rcc::kPllCfgr) == 1, "StartClocks() behind a boot loader");
    Check((chip.word(kCfgr) >> 2 & 3) == kFromPll, "the core does not run from the PLL");
  }
}

// Reading ahead is only for chips whose flash can: revision A calls itself 0x411 (ES0182, "MCU device ID is
// incorrect").
void FlashReadsAheadWhereItCan() {
  struct Chips {
    uint32_t id;
    bool can;
  };
  for (const Chips& one : {Chips{0x10006413, false},
                           {0x10006411, false},
                           {0x20006411, false},
                           {0x10016413, true},
                           {0x100F6413, true},
                           {0, false}}) {
    PowerUp();
    Chip::Get().Set(kws::board::kDbg, one.id);
    Check(kws::board::StartClocks(), "StartClocks()");
    Check(IsSet(kFlash + flash::kAcr, flash::kPrftEn) == one.can, "the flash reads ahead, or does not");
  }
}

void WithoutACrystalTheOscillatorStays() {
  PowerUp();
  g_crystal.works = false;
  Check(!kws::board::StartClocks(), "StartClocks() without a crystal");
  Check(kws::board::CoreHz() == 16000000, "the core's clock");
  Check(Chip::Get().Writes(kCfgr) == 0 && !IsSet(kCr, rcc::kPllOn), "something was switched all the same");
}

void WithoutAPllTheOscillatorStays() {
  PowerUp();
  g_pll.works = false;
  Check(!kws::board::StartClocks(), "StartClocks() without a PLL");
  Check(Chip::Get().Writes(kCfgr) == 0, "a clock was chosen that does not run");
}

void WatchdogsFlagIsTakenOnce() {
  PowerUp();
  Chip& chip = Chip::Get();
  chip.OnWrite(kRcc + rcc::kCsr, [](uint32_t value) {
    if ((value & rcc::kRmvf.mask()) != 0) Chip::Get().Set(kRcc + rcc::kCsr, 0);
  });
  chip.Set(kRcc + rcc::kCsr, 1u << 28);  // a software reset
  Check(!kws::board::TakeWatchdogFlag(), "a reset by software is not the watchdog's");
  chip.Set(kRcc + rcc::kCsr, 1u << 29 | 1u << 26);
  Check(kws::board::TakeWatchdogFlag(), "the watchdog's reset");
  Check(!kws::board::TakeWatchdogFlag(), "the flag was left for the next reset");
}

constexpr Case kCases[] = {
    {"runs_from_the_crystal", &RunsFromTheCrystal},
    {"a_boot_loaders_pll_is_left_first", &ABootLoadersPllIsLeftFirst},
    {"flash_reads_ahead_where_it_can", &FlashReadsAheadWhereItCan},
    {"without_a_crystal_the_oscillator_stays", &WithoutACrystalTheOscillatorStays},
    {"without_a_pll_the_oscillator_stays", &WithoutAPllTheOscillatorStays},
    {"watchdogs_flag_is_taken_once", &WatchdogsFlagIsTakenOnce},
};

}  // namespace

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
