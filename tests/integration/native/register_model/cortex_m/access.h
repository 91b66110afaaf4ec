// In the place of firmware/boards/cortex_m/access.h where drivers run on the development machine: registers, interrupts
// and sleep are those of the model.
#pragma once

#include "register_model.h"

namespace kws::board {

inline model::Reference Register(uintptr_t address) { return model::Reference(address); }
inline uint32_t DmaAddress(const volatile void* memory) { return model::Chip::Get().AddressOf(memory); }
inline void MemoryBarrier() {}
inline void SynchronizationBarrier() { model::Chip::Get().Interrupt(); }
inline void MaskInterrupts() { model::Chip::Get().SetMasked(true); }
inline void UnmaskInterrupts() { model::Chip::Get().SetMasked(false); }
inline void WaitForInterrupt() { model::Chip::Get().Sleep(); }

}  // namespace kws::board
