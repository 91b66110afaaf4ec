// What the code of boards cannot say in plain C++: access to registers, addresses for DMA, barriers, sleep. Private to
// firmware/boards.
//
// Tests of drivers on the development machine have another header of this name in front of it, which leads to a model
// of the registers (tests/integration/native/register_model).
#pragma once

#include <cstdint>

namespace kws::board {

inline volatile uint32_t& Register(uintptr_t address) { return *reinterpret_cast<volatile uint32_t*>(address); }

// Memory as DMA knows it.
inline uint32_t DmaAddress(const volatile void* memory) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(memory));
}

// Orders accesses to memory: what stands before it is done first, as an interrupt and the main thread see it.
inline void MemoryBarrier() { __asm volatile("dmb" ::: "memory"); }

// Waits until all accesses are done, those to registers too.
inline void SynchronizationBarrier() { __asm volatile("dsb\n isb" ::: "memory"); }

// No handler is entered from here on; what arrives becomes pending, and ends WaitForInterrupt() all the same.
inline void MaskInterrupts() { __asm volatile("cpsid i" ::: "memory"); }
inline void UnmaskInterrupts() { __asm volatile("cpsie i" ::: "memory"); }

// Sleeps until an interrupt is pending.
inline void WaitForInterrupt() { __asm volatile("dsb\n wfi" ::: "memory"); }

}  // namespace kws::board
