// In the place of firmware/boards/cortex_m/access.h where drivers run on the development machine: registers, interrupts
// and sleep are those of the model.
#pragma once

#include <cstdint>

#include "register_reference.h"

namespace kws::board {

inline model::Reference Register(uintptr_t address) { return model::Reference(address); }
inline uint32_t DmaAddress(const volatile void* memory) { return model::AddressOf(memory); }
inline void MemoryBarrier() {}
inline void SynchronizationBarrier() { model::Interrupt(); }
inline void MaskInterrupts() { model::SetMasked(true); }
inline void UnmaskInterrupts() { model::SetMasked(false); }
inline void WaitForInterrupt() { model::Sleep(); }

}  // namespace kws::board
