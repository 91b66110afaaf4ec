// The clocks of the STM32L475 on a model of their registers (RM0351 6.2, 6.4, 5.1.8, 3.3.3).
#include "stm32l4/clocks.h"

#include <cstdio>

#include "board_config.h"
#include "cases.h"
#include "register_model.h"
#include "stm32/clocks.h"
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
Follower g_oscillator(kCr, rcc::kMsiOn, rcc::kMsiRdy);

uint32_t g_range;  // of the oscillator: 6 is 4 MHz, 11 is 48

bool IsSet(uintptr_t address, Field field) { return (Chip::Get().word(address) & field.mask()) != 0; }

// What may be written to CR.
void WriteControl(uint32_t value) {
  const bool is_on_pll = (Chip::Get().word(kCfgr) >> 2 & 3) == kFromPll;
  if (!is_on_pll && (value & 1) == 0) Fail("the oscillator that the core runs on was switched off", kCr);
  if (is_on_pll && (value & rcc::kPllOn.mask()) == 0) Fail("the PLL that the core runs on was switched off", kCr);
  const uint32_t range = (value & rcc::kMsiRgSel.mask()) != 0 ? value >> 4 & 15 : 6;
  if (range != g_range && (!IsSet(kCr, rcc::kMsiRdy) || IsSet(kCr, rcc::kPllRdy))) {
    Fail("the oscillator's range was changed under a PLL, or before it is ready", kCr);
  }
  if (range > 9 && Chip::Get().word(kFlash + flash::kAcr) % 8 < 2) Fail("the flash does not wait for 48 MHz", kCr);
  g_range = range;
  if ((value & rcc::kMsiPllEn.mask()) != 0 && !IsSet(kBdcr, rcc::kLseRdy)) Fail("locked to a crystal at rest", kCr);
}

// And to CFGR, whose SWS follows.
void ChooseClock(uint32_t value) {
  if ((value & 3) == 0) {
    if (!IsSet(kCr, rcc::kMsiRdy)) Fail("an oscillator was chosen that does not run", kRcc);
    Chip::Get().Set(kCfgr, value & ~0xFu);
    return;
  }
  if (!IsSet(kCr, rcc::kPllRdy)) Fail("a clock was chosen that does not run", kRcc);
  if (Chip::Get().word(kFlash + flash::kAcr) % 8 != 4) Fail("a fast clock before the flash waits for it", kRcc);
  Chip::Get().Set(kCfgr, (value & ~0xCu) | (value & 3) << 2);
}

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kRcc, 0x400);
  chip.Map(kFlash, 0x400);
  chip.Map(kPwr, 0x400);
  chip.Set(kCr, 0x63);  // MSI on and ready at 4 MHz
  g_range = 6;
  chip.OnRead(kCr, [] {
    g_pll.Look();
    g_oscillator.Look();
    return Chip::Get().word(kCr);
  });
  chip.OnWrite(kCr, &WriteControl);
  chip.OnWrite(kCfgr, &ChooseClock);
  chip.OnWrite(kRcc + rcc::kPllCfgr, [](uint32_t) {
    if (IsSet(kCr, rcc::kPllOn) || IsSet(kCr, rcc::kPllRdy)) Fail("the PLL was set up while it is on", kRcc);
    if (g_range != 6) Fail("an oscillator that is too fast for the PLL", kRcc);
  });
  chip.OnWrite(kPwr + pwr::kCr1, [](uint32_t) {
    if (!IsSet(kRcc + rcc::kApb1Enr1, rcc::kPwrEn)) Fail("the power controller without a clock", kPwr);
  });
  chip.OnWrite(kBdcr, [](uint32_t) {
    if (!IsSet(kPwr + pwr::kCr1, pwr::kDbp)) Fail("the backup domain is locked", kBdcr);
  });
}

void RunsFromTheOscillator() {
  PowerUp();
  Check(kws::board::StartClocks() && kws::board::CoreHz() == KWS_CLOCK_HZ, "StartClocks()");
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
  Check(kws::board::StartClocks(), "StartClocks()");
  for (uint32_t turn = 0; turn < 10; ++turn) kws::board::TendClocks();
  Check(!IsSet(kCr, rcc::kMsiPllEn), "locked to a crystal at rest");
  Chip::Get().Set(kBdcr, Chip::Get().word(kBdcr) | rcc::kLseRdy.mask());
  kws::board::TendClocks();
  Check(IsSet(kCr, rcc::kMsiPllEn), "not locked");
  const size_t accesses = Chip::Get().log().size();
  kws::board::TendClocks();
  Check(Chip::Get().log().size() == accesses, "locked, and it still looks");
}

// A boot loader jumped here from a PLL of its own, the multi-speed oscillator off, or at another range.
void ABootLoadersClocksAreLeftFirst() {
  for (const uint32_t cr : {0x03000500u, 0x030000BBu}) {
    PowerUp();
    Chip& chip = Chip::Get();
    chip.Set(kCr, cr);
    g_range = cr == 0x030000BBu ? 11 : 6;
    chip.Set(kRcc + rcc::kPllCfgr, 0x12345678);
    chip.Set(kFlash + flash::kAcr, 4);
    chip.Set(kCfgr, kFromPll | kFromPll << 2);
    Check(kws::board::StartClocks() && kws::board::CoreHz() == KWS_CLOCK_HZ, "StartClocks() behind a boot loader");
    Check((chip.word(kCfgr) >> 2 & 3) == kFromPll && g_range == 6, "the core does not run from the PLL");
  }
}

void WithoutAPllTheOscillatorStays() {
  PowerUp();
  g_pll.works = false;
  Check(!kws::board::StartClocks() && (Chip::Get().word(kCfgr) & 0xC) == 0, "a clock was chosen that does not run");
  // 48 MHz: there is a divider for the serial port, 52, of at least 16 (RM0351 40.5.4).
  Check(g_range == 11 && kws::board::CoreHz() == 48000000, "the core's clock");
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
    {"a_boot_loaders_clocks_are_left_first", &ABootLoadersClocksAreLeftFirst},
    {"without_a_pll_the_oscillator_stays", &WithoutAPllTheOscillatorStays},
    {"watchdogs_flag_is_taken_once", &WatchdogsFlagIsTakenOnce},
};

}  // namespace

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
