// ST's STM32F4DISCOVERY (MB997, UM1472): STM32F407VG, 8 MHz crystal, microphone MP45DT02. Its ST-LINK has no serial
// port on older revisions: an adapter on PA2 (sends) and PA3 (receives) is the serial port.
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/board_facts.h"
#include "cortex_m/line_handlers.h"
#include "stm32/pins.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board {

constexpr uint32_t kCrystalHz = 8000000;

constexpr uintptr_t kSerialUsart = kUsart2;
constexpr uintptr_t kSerialEnableRegister = rcc::kApb1Enr;
constexpr Field kSerialEnable = rcc::kUsart2En;
constexpr uint32_t kSerialBusHz = kClockHz / 4;
constexpr uint32_t kSerialInterruptLine = kUsart2Line;
constexpr Pin kSerialSends{kGpioA, rcc::kGpioAEn, 2, 7};
constexpr Pin kSerialReceives{kGpioA, rcc::kGpioAEn, 3, 7};

constexpr Pin kMicrophoneClock{kGpioB, rcc::kGpioBEn, 10, 5};  // I2S2_CK
constexpr Pin kMicrophoneData{kGpioC, rcc::kGpioCEn, 3, 5};    // I2S2_SD
constexpr uint32_t kMicrophoneInterruptLine = kDma1Stream3Line;
constexpr Pin kLight{kGpioD, rcc::kGpioDEn, 12, 0};  // LD4, green, on when high

constexpr uint32_t kInterruptLines = 82;
constexpr std::array<LineHandler, 2> kLineHandlers{
    {{kSerialInterruptLine, KwsSerialInterrupt}, {kMicrophoneInterruptLine, KwsMicrophoneInterrupt}}};
constexpr bool kHasTickInterruptHandler = true;  // wakes the core for the watchdog

}  // namespace kws::board
