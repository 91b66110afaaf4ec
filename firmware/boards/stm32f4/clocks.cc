#include "stm32f4/clocks.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/board_facts.h"
#include "stm32/pins.h"
#include "stm32/serial.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board {
namespace {

constexpr uint32_t kPllDivider = kCrystalHz / kPllInputHz;
constexpr uint32_t kPllMultiplier = 336;  // the PLL runs at 336 MHz, half of which is the core's clock
constexpr uint32_t kPllHalf = 0;
constexpr uint32_t kPllSeventh = 7;  // 48 MHz, which nothing uses; less than 2 is not allowed
constexpr uint32_t kFromPll = 2;
constexpr uint32_t kWaitStates = 5;  // up to 168 MHz at 2.7 to 3.6 V: RM0090, table 10
static_assert(kCrystalHz % kPllInputHz == 0 && kPllMultiplier * (kPllInputHz / 2) == kClockHz, "the board's clock");

constexpr Field kPllM = Span(rcc::kPllM0, rcc::kPllM5);
constexpr Field kPllN = Span(rcc::kPllN0, rcc::kPllN8);
constexpr Field kPllP = Span(rcc::kPllP0, rcc::kPllP1);
constexpr Field kPllQ = Span(rcc::kPllQ0, rcc::kPllQ3);
constexpr Field kSw = Span(rcc::kSw0, rcc::kSw1);
constexpr Field kSws = Span(rcc::kSws0, rcc::kSws1);

}  // namespace

bool StartClocks() {
  Register(kRcc + rcc::kApb1Enr) |= rcc::kPwrEn.mask();  // its voltage is that for 168 MHz after reset
  Register(kRcc + rcc::kCr) |= rcc::kHseOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kHseRdy.mask(), rcc::kHseRdy.mask())) return false;
  Register(kRcc + rcc::kPllCfgr) =
      kPllM(kPllDivider) | kPllN(kPllMultiplier) | kPllP(kPllHalf) | rcc::kPllSrc(rcc::kPllSrcHse) | kPllQ(kPllSeventh);
  Register(kRcc + rcc::kCr) |= rcc::kPllOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllRdy.mask(), rcc::kPllRdy.mask())) return false;
  Register(kFlash + flash::kAcr) =
      flash::kLatency(kWaitStates) | flash::kPrftEn.mask() | flash::kIcEn.mask() | flash::kDcEn.mask();
  // The wait states hold before the clock is fast.
  if (!WaitFor(kFlash + flash::kAcr, flash::kLatency.mask(), flash::kLatency(kWaitStates))) return false;
  Register(kRcc + rcc::kCfgr) = rcc::kPpre1(rcc::kPpre1DividedBy4) | rcc::kPpre2(rcc::kPpre2DividedBy2);
  Register(kRcc + rcc::kCfgr) |= kSw(kFromPll);
  return WaitFor(kRcc + rcc::kCfgr, kSws.mask(), kSws(kFromPll));
}

bool TakeWatchdogFlag() {
  const bool found = (Register(kRcc + rcc::kCsr) & rcc::kIwdgRstf.mask()) != 0;
  Register(kRcc + rcc::kCsr) |= rcc::kRmvf.mask();
  return found;
}

void ClearSerialOverrun() {}

}  // namespace kws::board
