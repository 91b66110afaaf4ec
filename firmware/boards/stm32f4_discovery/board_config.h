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

// Of flash, for kept settings: the first 16 KiB of sectors 10 and 11, so that they are looked through in a millisecond.
// The linker script leaves both sectors (stm32f407.ld).
constexpr std::array<uintptr_t, 2> kSettingsAreas{0x080C0000, 0x080E0000};
constexpr std::array<uint32_t, 2> kSettingsSectors{10, 11};
constexpr uint32_t kSettingsAreaBytes = 16 * 1024;

constexpr uint32_t kInterruptLines = 82;
constexpr std::array<LineHandler, 2> kLineHandlers{
    {{kSerialInterruptLine, KwsSerialInterrupt}, {kMicrophoneInterruptLine, KwsMicrophoneInterrupt}}};
constexpr std::array<ExceptionHandler, 1> kExceptionHandlers{kTickHandler};  // wakes the core for the watchdog

}  // namespace kws::board
