// Arm MPS3 with the FPGA image AN547 (SSE-300, Cortex-M55), Secure aliases. Addresses: Arm application note AN547.
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/line_handlers.h"

namespace kws::board {

constexpr uintptr_t kUart = 0x59303000;    // CMSDK UART 0
constexpr uintptr_t kFpgaio = 0x59302000;  // LEDs, buttons, counters
constexpr uint32_t kInterruptLines = 96;
constexpr uint32_t kSerialInterruptLine = 33;  // UART 0 receive
constexpr std::array<LineHandler, 0> kLineHandlers{};  // the serial port is polled
constexpr std::array<ExceptionHandler, 1> kExceptionHandlers{kTickHandler};  // of the recorded microphone

}  // namespace kws::board
