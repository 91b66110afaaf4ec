#include <cstdint>
#include <initializer_list>

#include "cortex_m/core.h"
#include "cortex_m/registers.h"

namespace kws::board {

bool g_counts_cycles;

void StartCycleCounter() {
  Register(kDemcr) |= 1u << 24;  // TRCENA: the trace unit, of which the counter is a part, has its clock
  Register(kDwtCycleCount) = 0;
  Register(kDwtControl) |= 1u;
  const uint32_t before = Register(kDwtCycleCount);
  SpinInstructions(64);
  g_counts_cycles = Register(kDwtCycleCount) != before;
}

uint32_t CycleCount() { return Register(kDwtCycleCount); }

__attribute__((noinline)) void SpinInstructions(uint32_t instructions) {
  uint32_t rounds = instructions < 2 ? 1 : (instructions + 1) / 2;
  __asm volatile(
      ".balign 4\n"
      "1: subs %0, %0, #1\n"
      "bne 1b\n"
      : "+r"(rounds)
      :
      : "cc");
}

bool CountsInstructions(uint32_t (*counter)(), uint32_t numerator, uint32_t denominator) {
  for (const uint32_t instructions : {20000u, 5000u, 11000u}) {
    const uint32_t before = counter();
    SpinInstructions(instructions);
    const uint32_t ticks = counter() - before;
    const uint32_t counted = static_cast<uint32_t>(static_cast<uint64_t>(ticks) * denominator / numerator);
    const uint32_t tolerance = instructions / 200 + 32;  // calls around the loop, and the counter's own resolution
    if (counted < instructions || counted > instructions + tolerance) return false;
  }
  return true;
}

}  // namespace kws::board
