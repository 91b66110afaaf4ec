// Arm MPS3 with the FPGA image AN547 (SSE-300, Cortex-M55), Secure aliases. Addresses: Arm application note AN547.
#pragma once

#include <cstdint>

namespace kws::board {

constexpr char kBoardName[] = "mps3_an547";
constexpr uintptr_t kUart = 0x59303000;    // CMSDK UART 0
constexpr uintptr_t kFpgaio = 0x59302000;  // LEDs, buttons, counters
constexpr uint32_t kInterruptLines = 96;
constexpr uint32_t kSerialInterruptLine = 33;  // UART 0 receive
constexpr bool kHasSerialInterruptHandler = false;
// 20 MHz counter; an instruction takes 512 ns of virtual time (icount shift 9): 10.24 ticks an instruction, enough that
// the nearest number of instructions is the right one, wherever between two ticks the readings fell.
constexpr uint32_t kTicksPerInstructionNumerator = 256;
constexpr uint32_t kTicksPerInstructionDenominator = 25;

}  // namespace kws::board
