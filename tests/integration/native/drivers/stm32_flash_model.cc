// What both models of the STM32's flash are asked.
#include "stm32_flash_model.h"

namespace kws::model {

void CheckAtRest() {
  Check(Control() == flash::kLock.mask(), "the controller is left at rest, and locked");
  Check(IsCacheOn(), "the data cache is left on");
}

void LeaveErrors() { g_status = flash::kPgsErr.mask() | flash::kWrpErr.mask(); }

size_t TimesOpened() { return Chip::Get().Writes(kFlash + flash::kKeyr); }

}  // namespace kws::model
