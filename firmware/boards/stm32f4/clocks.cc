#include "stm32f4/clocks.h"

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/board_facts.h"
#include "stm32/clocks.h"
#include "stm32/pins.h"
#include "stm32/serial.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board {
namespace {

constexpr uint32_t kPllDivider = kCrystalHz / kPllInputHz;
constexpr uint32_t kPllMultiplier = 336;  // the PLL runs at 336 MHz, half of which is the core's clock
constexpr uint32_t kPllHalf = 0;
constexpr uint32_t kPllSeventh = 7;  // 48 MHz, which nothing uses; less than 2 is not allowed
constexpr uint32_t kFromInternalOscillator = 0;
constexpr uint32_t kFromPll = 2;
constexpr uint32_t kWaitStates = 5;  // up to 168 MHz at 2.7 to 3.6 V: RM0090, table 10
static_assert(kCrystalHz % kPllInputHz == 0 && kPllMultiplier * (kPllInputHz / 2) == kClockHz, "the board's clock");

constexpr Field kPllM = Span(rcc::kPllM0, rcc::kPllM5);
constexpr Field kPllN = Span(rcc::kPllN0, rcc::kPllN8);
constexpr Field kPllP = Span(rcc::kPllP0, rcc::kPllP1);
constexpr Field kPllQ = Span(rcc::kPllQ0, rcc::kPllQ3);
constexpr Field kSw = Span(rcc::kSw0, rcc::kSw1);
constexpr Field kSws = Span(rcc::kSws0, rcc::kSws1);

uint32_t g_core_hz;

// As after a reset: a boot loader may have jumped here from a PLL of its own, which takes no other settings while it is
// on.
bool LeavePll() {
  if (kSws.Of(Register(kRcc + rcc::kCfgr)) != kFromInternalOscillator) {
    Register(kRcc + rcc::kCr) |= rcc::kHsiOn.mask();
    if (!WaitFor(kRcc + rcc::kCr, rcc::kHsiRdy.mask(), rcc::kHsiRdy.mask())) return false;
    ReplaceField(kRcc + rcc::kCfgr, kSw, kFromInternalOscillator);
    if (!WaitFor(kRcc + rcc::kCfgr, kSws.mask(), kSws(kFromInternalOscillator))) return false;
  }
  Register(kRcc + rcc::kCr) &= ~rcc::kPllOn.mask();
  return WaitFor(kRcc + rcc::kCr, rcc::kPllRdy.mask(), 0);
}

// Chips of revision A must not read ahead: ST's examples do from revision Z on. They give another chip's number
// (ES0182, "MCU device ID is incorrect").
uint32_t Prefetch() {
  const uint32_t id = Register(kDbg + dbg::kIdCode);
  const bool may = dbg::kDevId.Of(id) == dbg::kDevIdF405 && dbg::kRevId.Of(id) != dbg::kRevIdA;
  return may ? flash::kPrftEn.mask() : 0;
}

}  // namespace

bool StartClocks() {
  g_core_hz = kInternalOscillatorHz;
  if (!LeavePll()) return false;
  Register(kRcc + rcc::kApb1Enr) |= rcc::kPwrEn.mask();  // its voltage is that for 168 MHz after reset
  Register(kRcc + rcc::kCr) |= rcc::kHseOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kHseRdy.mask(), rcc::kHseRdy.mask())) return false;
  Register(kRcc + rcc::kPllCfgr) =
      kPllM(kPllDivider) | kPllN(kPllMultiplier) | kPllP(kPllHalf) | rcc::kPllSrc(rcc::kPllSrcHse) | kPllQ(kPllSeventh);
  Register(kRcc + rcc::kCr) |= rcc::kPllOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllRdy.mask(), rcc::kPllRdy.mask())) return false;
  Register(kFlash + flash::kAcr) =
      flash::kLatency(kWaitStates) | Prefetch() | flash::kIcEn.mask() | flash::kDcEn.mask();
  // The wait states hold before the clock is fast.
  if (!WaitFor(kFlash + flash::kAcr, flash::kLatency.mask(), flash::kLatency(kWaitStates))) return false;
  Register(kRcc + rcc::kCfgr) = rcc::kPpre1(rcc::kPpre1DividedBy4) | rcc::kPpre2(rcc::kPpre2DividedBy2);
  Register(kRcc + rcc::kCfgr) |= kSw(kFromPll);
  if (!WaitFor(kRcc + rcc::kCfgr, kSws.mask(), kSws(kFromPll))) return false;
  g_core_hz = kClockHz;
  return true;
}

uint32_t CoreHz() { return g_core_hz; }

void TendClocks() {}

bool TakeWatchdogFlag() {
  const bool found = (Register(kRcc + rcc::kCsr) & rcc::kIwdgRstf.mask()) != 0;
  Register(kRcc + rcc::kCsr) |= rcc::kRmvf.mask();
  return found;
}

void ClearSerialOverrun() {}

}  // namespace kws::board
