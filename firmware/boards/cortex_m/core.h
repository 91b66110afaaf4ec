// What the Cortex-M boards share: start-up, stacks, faults, cycle counter, calibration. Private to firmware/boards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cortex_m/board_facts.h"
#include "kws/board.h"

namespace kws::board {

// Addresses below the stack that fault when the stack runs over: no RAM is spent, RAM begins above them.
constexpr uint32_t kStackGuardBytes = 32 * 1024;

// Makes running over the stack a fault. Armv8-M cores do it by their stack limit registers, set at reset.
void GuardStack();

// Starts the core's cycle counter and finds out whether it counts. It does on chips; QEMU reads it as 0.
void StartCycleCounter();

// What StartCycleCounter() found.
extern bool g_counts_cycles;

// Value of the cycle counter started above.
uint32_t CycleCount();

// Executes exactly `instructions` instructions (rounded up to an even count, at least 2), not counting call and return.
void SpinInstructions(uint32_t instructions);

// Checks that `counter` advances by `numerator` / `denominator` ticks for each instruction, for loops of several
// lengths, to one part in 200. True only under an emulator that counts instructions.
bool CountsInstructions(uint32_t (*counter)(), uint32_t numerator, uint32_t denominator);

// True when the board runs in an emulator. Valid after Init().
bool IsEmulated();

}  // namespace kws::board
