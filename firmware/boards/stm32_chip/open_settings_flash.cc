// How flash is opened and closed for kept settings, alike on the STM32F4 (RM0090 3.6.1) and the STM32L4 (RM0351 3.3.5).
//
// The data cache is off while flash changes, and empty when it is on again: it knows nothing of what was erased, and
// what is read of one bank of an STM32L4 while the other is written may be wrong in it (the chip's errata).
#include "board_config.h"
#include "cortex_m/access.h"
#include "settings_log/settings_flash.h"

namespace kws::board {

bool OpenSettingsFlash() {
  if ((Register(kFlash + flash::kCr) & flash::kLock.mask()) != 0) {
    Register(kFlash + flash::kKeyr) = flash::kKey1;
    Register(kFlash + flash::kKeyr) = flash::kKey2;
  }
  Register(kFlash + flash::kAcr) &= ~flash::kDcEn.mask();
  return (Register(kFlash + flash::kCr) & flash::kLock.mask()) == 0;
}

void CloseSettingsFlash() {
  Register(kFlash + flash::kCr) = flash::kLock.mask();
  Register(kFlash + flash::kAcr) |= flash::kDcRst.mask();
  Register(kFlash + flash::kAcr) &= ~flash::kDcRst.mask();
  Register(kFlash + flash::kAcr) |= flash::kDcEn.mask();
}

}  // namespace kws::board
