// What the FPGA images of the Arm MPS2 have in common. Addresses: Arm application notes AN386 and AN500; QEMU
// hw/arm/mps2.c.
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/line_handlers.h"

namespace kws::board {

constexpr uintptr_t kUart = 0x40004000;    // CMSDK UART 0
constexpr uintptr_t kFpgaio = 0x40028000;  // LEDs, buttons, counters
constexpr uint32_t kInterruptLines = 32;
constexpr uint32_t kSerialInterruptLine = 0;  // UART 0 receive
constexpr std::array<LineHandler, 0> kLineHandlers{};  // the serial port is polled
constexpr std::array<ExceptionHandler, 1> kExceptionHandlers{kTickHandler};  // of the recorded microphone

}  // namespace kws::board
