// The clocks of the STM32L475 on a model of their registers (RM0351 6.2, 6.4, 5.1.8, 3.3.3).
#include "stm32l4/clocks.h"

#include <cstdio>

#include "board_config.h"
#include "cases.h"
#include "register_model.h"
#include "stm32/stm32_registers.h"
#include "stm32_model.h"

namespace {

using kws::board::Field;
using kws::board::kFlash;
using kws::board::kPwr;
using kws::board::kRcc;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
using kws::model::Follower;
namespace flash = kws::board::flash;
namespace pwr = kws::board::pwr;
namespace rcc = kws::board::rcc;

constexpr uintptr_t kCr = kRcc + rcc::kCr;
constexpr uintptr_t kCfgr = kRcc + rcc::kCfgr;
constexpr uintptr_t kBdcr = kRcc + rcc::kBdcr;
constexpr uint32_t kFromPll = 3;

Follower g_pll(kCr, rcc::kPllOn, rcc::kPllRdy);

bool IsSet(uintptr_t address, Field field) { return (Chip::Get().word(address) & field.mask()) != 0; }

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kRcc, 0x400);
  chip.Map(kFlash, 0x400);
  chip.Map(kPwr, 0x400);
  chip.Set(kCr, 0x63);  // MSI on and ready at 4 MHz
  chip.OnRead(kCr, [] {
    g_pll.Look();
    return Chip::Get().word(kCr);
  });
  chip.OnWrite(kCr, [](uint32_t value) {
    if ((value & 3) != 3) Fail("the oscillator that the core runs on was switched off", kCr);
    if ((value >> 4 & 15) != 6) Fail("the oscillator's range was changed", kCr);
    if ((value & rcc::kMsiPllEn.mask()) != 0 && !IsSet(kBdcr, rcc::kLseRdy)) Fail("locked to a crystal at rest", kCr);
  });
  chip.OnWrite(kRcc + rcc::kPllCfgr, [](uint32_t) {
    if (IsSet(kCr, rcc::kPllOn)) Fail("the PLL was set up while it is on", kRcc);
  });
  chip.OnWrite(kPwr + pwr::kCr1, [](uint32_t) {
    if (!IsSet(kRcc + rcc::kApb1Enr1, rcc::kPwrEn)) Fail("the power controller without a clock", kPwr);
  });
  chip.OnWrite(kBdcr, [](uint32_t) {
    if (!IsSet(kPwr + pwr::kCr1, pwr::kDbp)) Fail("the backup domain is locked", kBdcr);
  });
  chip.OnWrite(kCfgr, [](uint32_t value) {
    if ((value & 3) == 0) return;
    if (!IsSet(kCr, rcc::kPllRdy)) Fail("a clock was chosen that does not run", kRcc);
    if (Chip::Get().word(kFlash + flash::kAcr) % 8 != 4) Fail("a fast clock before the flash waits for it", kRcc);
    Chip::Get().Set(kCfgr, (value & ~0xCu) | (value & 3) << 2);  // SWS
  });
}

void RunsFromTheOscillator() {
  PowerUp();
  Check(kws::board::StartClocks(), "StartClocks()");
  Chip& chip = Chip::Get();
  Check((chip.word(kCfgr) >> 2 & 3) == kFromPll, "the core does not run from the PLL");
  Check(IsSet(kBdcr, rcc::kLseOn) && !IsSet(kCr, rcc::kMsiPllEn), "the crystal was started, and not waited for");
  std::printf("PLLCFGR 0x%08x CFGR 0x%08x ACR 0x%08x core %u\n", chip.word(kRcc + rcc::kPllCfgr), chip.word(kCfgr),
              chip.word(kFlash + flash::kAcr), KWS_CLOCK_HZ);
}

void ACrystalThatRunsIsUsedAtOnce() {
  PowerUp();
  Chip::Get().Set(kBdcr, rcc::kLseOn.mask() | rcc::kLseRdy.mask());  // since before the reset
  Check(kws::board::StartClocks() && IsSet(kCr, rcc::kMsiPllEn), "the oscillator is not locked");
}

void LocksOnceTheCrystalRuns() {
  PowerUp();
  Check(kws::board::StartClocks() && !kws::board::LockOscillator(), "locked to a crystal at rest");
  Chip::Get().Set(kBdcr, Chip::Get().word(kBdcr) | rcc::kLseRdy.mask());
  Check(kws::board::LockOscillator() && IsSet(kCr, rcc::kMsiPllEn), "not locked");
}

void WithoutAPllTheOscillatorStays() {
  PowerUp();
  g_pll.works = false;
  Check(!kws::board::StartClocks() && Chip::Get().Writes(kCfgr) == 0, "a clock was chosen that does not run");
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
  Check(kws::board::TakeWatchdogFlag() && !kws::board::TakeWatchdogFlag(), "the watchdog's reset, once");
}

constexpr Case kCases[] = {
    {"runs_from_the_oscillator", &RunsFromTheOscillator},
    {"a_crystal_that_runs_is_used_at_once", &ACrystalThatRunsIsUsedAtOnce},
    {"locks_once_the_crystal_runs", &LocksOnceTheCrystalRuns},
    {"without_a_pll_the_oscillator_stays", &WithoutAPllTheOscillatorStays},
    {"watchdogs_flag_is_taken_once", &WatchdogsFlagIsTakenOnce},
};

}  // namespace

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
