// Painting of the stack and the high-water mark.
#include <cstdint>

#include "cortex_m/core.h"
#include "cortex_m/linker_symbols.h"
#include "cortex_m/registers.h"
#include "kws/board.h"

namespace kws::board {
namespace {

constexpr uint32_t kPaint = 0xC5C5C5C5;
// Never used by code that fits; tell an overflow on boards without a limit register.
constexpr uint32_t kGuardWords = 4;

constexpr uint32_t kOwnFrameBytes = 128;  // more than PaintStack() can need

}  // namespace

void GuardStack() {
#if defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_7M__)
  // The memory below may answer (QEMU's MPS2 ignores writes to reserved addresses), so a region of the memory
  // protection unit forbids it. Everything else keeps the default map.
  if ((Register(kMpuType) >> 8 & 0xFF) == 0) return;
  constexpr uint32_t kSizeField = 14;  // 2 ** (14 + 1) bytes
  static_assert(kStackGuardBytes == 2u << kSizeField, "the region covers the guard");
  const auto low = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&__stack_low));
  if (low % kStackGuardBytes != 0) return;  // the linker script moved the stack away from the start of RAM
  Register(kMpuRegionNumber) = 0;
  Register(kMpuRegionBase) = low - kStackGuardBytes;
  Register(kMpuRegionAttributes) = (1u << 28) | (kSizeField << 1) | 1u;  // no access, no execution
  Register(kMpuControl) = 5;  // on, with the default map for privileged code
  __asm volatile("dsb\n isb" ::: "memory");
#endif
}

__attribute__((noinline)) void PaintStack() {
  // The compiler may read the stack pointer before it saves registers: leave room for them.
  uintptr_t pointer;
  __asm volatile("mov %0, sp" : "=r"(pointer));
  const auto* end = reinterpret_cast<const volatile uint32_t*>(pointer - kOwnFrameBytes);
  for (volatile uint32_t* word = &__stack_low; word < end; ++word) *word = kPaint;
}

uint32_t StackSizeBytes() {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&__stack_top) - reinterpret_cast<uintptr_t>(&__stack_low));
}

uint32_t StackUsedBytes() {
  const volatile uint32_t* word = &__stack_low;
  while (word < &__stack_top && *word == kPaint) ++word;
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&__stack_top) - reinterpret_cast<uintptr_t>(word));
}

bool StackGuardIntact() {
  const volatile uint32_t* low = &__stack_low;
  for (uint32_t i = 0; i < kGuardWords; ++i) {
    if (low[i] != kPaint) return false;
  }
  return true;
}

}  // namespace kws::board
