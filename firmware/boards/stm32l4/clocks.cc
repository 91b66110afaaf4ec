#include "stm32l4/clocks.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/board_facts.h"
#include "stm32/clocks.h"
#include "stm32/pins.h"
#include "stm32/serial.h"
#include "stm32l4/stm32l4_registers.h"

namespace kws::board {
namespace {

constexpr uint32_t kUndivided = 0;  // the PLLs take the oscillator as it is
constexpr uint32_t kPllMultiplier = 40;  // the PLL runs at 160 MHz, half of which is the core's clock
constexpr uint32_t kPllHalf = 0;
constexpr uint32_t kWaitStates = 4;  // up to 80 MHz in voltage range 1, that of reset: RM0351, table 9
static_assert(kPllMultiplier * (kOscillatorHz / 2) == kClockHz, "the board's clock");

constexpr uint32_t kFastOscillatorHz = 48000000;  // its fastest range, too much for the PLLs' inputs

uint32_t g_core_hz;
bool g_is_locked;

// The core on the oscillator alone, at one of its ranges, and the PLL off: it takes no other settings while it is on.
bool UseOscillator(uint32_t range) {
  Register(kRcc + rcc::kCr) |= rcc::kMsiOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kMsiRdy.mask(), rcc::kMsiRdy.mask())) return false;
  ReplaceField(kRcc + rcc::kCfgr, rcc::kSw, rcc::kSwMsi);
  if (!WaitFor(kRcc + rcc::kCfgr, rcc::kSws.mask(), rcc::kSws(rcc::kSwMsi))) return false;
  Register(kRcc + rcc::kCr) &= ~rcc::kPllOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllRdy.mask(), 0)) return false;
  ReplaceField(kRcc + rcc::kCr, rcc::kMsiRange, range);
  Register(kRcc + rcc::kCr) |= rcc::kMsiRgSel.mask();
  return WaitFor(kRcc + rcc::kCr, rcc::kMsiRdy.mask(), rcc::kMsiRdy.mask());
}

bool UsePll() {
  Register(kRcc + rcc::kPllCfgr) = rcc::kPllSrc(rcc::kPllSrcMsi) | rcc::kPllM(kUndivided) | rcc::kPllN(kPllMultiplier) |
                                   rcc::kPllR(kPllHalf) | rcc::kPllREn.mask();
  Register(kRcc + rcc::kCr) |= rcc::kPllOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllRdy.mask(), rcc::kPllRdy.mask())) return false;
  Register(kRcc + rcc::kCfgr) = rcc::kSw(rcc::kSwPll);
  return WaitFor(kRcc + rcc::kCfgr, rcc::kSws.mask(), rcc::kSws(rcc::kSwPll));
}

// Locks the oscillator to the crystal. Returns false, and leaves it alone, where the crystal does not run yet.
bool LockOscillator() {
  if ((Register(kRcc + rcc::kBdcr) & rcc::kLseRdy.mask()) == 0) return false;
  Register(kRcc + rcc::kCr) |= rcc::kMsiPllEn.mask();
  return true;
}

}  // namespace

bool StartClocks() {
  g_is_locked = false;
  g_core_hz = kOscillatorHz;
  if (!UseOscillator(rcc::kMsiRange4MHz)) return false;
  // The crystal's oscillator lies in the backup domain, which is locked. Once started it runs through resets.
  Register(kRcc + rcc::kApb1Enr1) |= rcc::kPwrEn.mask();
  Register(kPwr + pwr::kCr1) |= pwr::kDbp.mask();
  if (WaitFor(kPwr + pwr::kCr1, pwr::kDbp.mask(), pwr::kDbp.mask())) {
    Register(kRcc + rcc::kBdcr) |= rcc::kLseOn.mask();
    TendClocks();
  }
  Register(kFlash + flash::kAcr) =
      flash::kLatency(kWaitStates) | flash::kPrftEn.mask() | flash::kIcEn.mask() | flash::kDcEn.mask();
  // The wait states hold before the clock is fast.
  if (!WaitFor(kFlash + flash::kAcr, flash::kLatency.mask(), flash::kLatency(kWaitStates))) return false;
  if (UsePll()) {
    g_core_hz = kClockHz;
    return true;
  }
  // At 4 MHz there is no divider for the serial port's rate.
  if (UseOscillator(rcc::kMsiRange48MHz)) g_core_hz = kFastOscillatorHz;
  return false;
}

uint32_t CoreHz() { return g_core_hz; }

void TendClocks() {
  if (!g_is_locked) g_is_locked = LockOscillator();
}

bool TakeWatchdogFlag() {
  const bool found = (Register(kRcc + rcc::kCsr) & rcc::kIwdgRstf.mask()) != 0;
  Register(kRcc + rcc::kCsr) |= rcc::kRmvf.mask();
  return found;
}

void ClearSerialOverrun() { Register(kSerialUsart + usart::kIcr) = usart::kOreCf.mask(); }

}  // namespace kws::board
