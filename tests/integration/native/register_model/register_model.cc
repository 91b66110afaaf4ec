#include "register_model.h"

#include "cortex_m/line_handlers.h"

namespace kws::model {

uint32_t Load(uintptr_t address) { return Chip::Get().Load(address); }
void Store(uintptr_t address, uint32_t value) { Chip::Get().Store(address, value); }
uint32_t AddressOf(const volatile void* memory) { return Chip::Get().AddressOf(memory); }
void Interrupt() { Chip::Get().Interrupt(); }
void SetMasked(bool masked) { Chip::Get().SetMasked(masked); }
void Sleep() { Chip::Get().Sleep(); }

}  // namespace kws::model

// A board's table names the handlers of all its drivers (cortex_m/line_handlers.h); a test has one of them.
__attribute__((weak)) void KwsSerialInterrupt() {}
__attribute__((weak)) void KwsMicrophoneInterrupt() {}
__attribute__((weak)) void KwsTickInterrupt() {}
__attribute__((weak)) void KwsNonMaskableInterrupt() {}
