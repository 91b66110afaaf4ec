// Netduino Plus 2: STM32F405RG, 25 MHz crystal. Serial port on the header's D1 (PC6, sends) and D0 (PC7, receives).
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/board_facts.h"
#include "cortex_m/line_handlers.h"
#include "stm32/pins.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board {

constexpr uint32_t kCrystalHz = 25000000;

constexpr uintptr_t kSerialUsart = kUsart6;
constexpr uintptr_t kSerialEnableRegister = rcc::kApb2Enr;
constexpr Field kSerialEnable = rcc::kUsart6En;
constexpr uint32_t kSerialBusHz = kClockHz / 2;
constexpr uint32_t kSerialInterruptLine = kUsart6Line;
constexpr Pin kSerialSends{kGpioC, rcc::kGpioCEn, 6, 8};
constexpr Pin kSerialReceives{kGpioC, rcc::kGpioCEn, 7, 8};

constexpr uint32_t kInterruptLines = 82;
constexpr std::array<LineHandler, 1> kLineHandlers{{{kSerialInterruptLine, KwsSerialInterrupt}}};
constexpr std::array<ExceptionHandler, 1> kExceptionHandlers{kTickHandler};  // of the recorded microphone

}  // namespace kws::board
