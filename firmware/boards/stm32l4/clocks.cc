#include "stm32l4/clocks.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/board_facts.h"
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

}  // namespace

bool StartClocks() {
  // The crystal's oscillator lies in the backup domain, which is locked. Once started it runs through resets.
  Register(kRcc + rcc::kApb1Enr1) |= rcc::kPwrEn.mask();
  Register(kPwr + pwr::kCr1) |= pwr::kDbp.mask();
  if (WaitFor(kPwr + pwr::kCr1, pwr::kDbp.mask(), pwr::kDbp.mask())) {
    Register(kRcc + rcc::kBdcr) |= rcc::kLseOn.mask();
    (void)LockOscillator();
  }
  Register(kFlash + flash::kAcr) =
      flash::kLatency(kWaitStates) | flash::kPrftEn.mask() | flash::kIcEn.mask() | flash::kDcEn.mask();
  // The wait states hold before the clock is fast.
  if (!WaitFor(kFlash + flash::kAcr, flash::kLatency.mask(), flash::kLatency(kWaitStates))) return false;
  Register(kRcc + rcc::kPllCfgr) = rcc::kPllSrc(rcc::kPllSrcMsi) | rcc::kPllM(kUndivided) | rcc::kPllN(kPllMultiplier) |
                                   rcc::kPllR(kPllHalf) | rcc::kPllREn.mask();
  Register(kRcc + rcc::kCr) |= rcc::kPllOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllRdy.mask(), rcc::kPllRdy.mask())) return false;
  Register(kRcc + rcc::kCfgr) = rcc::kSw(rcc::kSwPll);
  return WaitFor(kRcc + rcc::kCfgr, rcc::kSws.mask(), rcc::kSws(rcc::kSwPll));
}

bool LockOscillator() {
  if ((Register(kRcc + rcc::kBdcr) & rcc::kLseRdy.mask()) == 0) return false;
  Register(kRcc + rcc::kCr) |= rcc::kMsiPllEn.mask();
  return true;
}

bool TakeWatchdogFlag() {
  const bool found = (Register(kRcc + rcc::kCsr) & rcc::kIwdgRstf.mask()) != 0;
  Register(kRcc + rcc::kCsr) |= rcc::kRmvf.mask();
  return found;
}

void ClearSerialOverrun() { Register(kSerialUsart + usart::kIcr) = usart::kOreCf.mask(); }

}  // namespace kws::board
