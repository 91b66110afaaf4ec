// Netduino Plus 2: STM32F405RG, 25 MHz crystal. Addresses: ST RM0090.
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/line_handlers.h"

namespace kws::board {

constexpr uint32_t kInterruptLines = 82;
constexpr uint32_t kSerialInterruptLine = 71;  // USART6
constexpr std::array<LineHandler, 1> kLineHandlers{{{kSerialInterruptLine, KwsSerialInterrupt}}};
constexpr bool kHasTickInterruptHandler = true;  // of the recorded microphone

}  // namespace kws::board
