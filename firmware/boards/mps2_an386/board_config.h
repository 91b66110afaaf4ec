// Arm MPS2 with the FPGA image AN386. Addresses: Arm application note AN386; QEMU hw/arm/mps2.c.
#pragma once

#include <cstdint>

namespace kws::board {

constexpr char kBoardName[] = "mps2_an386";
constexpr uintptr_t kUart = 0x40004000;    // CMSDK UART 0
constexpr uintptr_t kFpgaio = 0x40028000;  // LEDs, buttons, counters
constexpr uint32_t kInterruptLines = 32;
constexpr uint32_t kSerialInterruptLine = 0;  // UART 0 receive
constexpr bool kHasSerialInterruptHandler = false;
// 25 MHz counter; an instruction takes 512 ns of virtual time (icount shift 9): 12.8 ticks an instruction, enough that
// the nearest number of instructions is the right one, wherever between two ticks the readings fell.
constexpr uint32_t kTicksPerInstructionNumerator = 64;
constexpr uint32_t kTicksPerInstructionDenominator = 5;

}  // namespace kws::board
