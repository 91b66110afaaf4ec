// ST's B-L475E-IOT01A (UM2153): STM32L475VG, crystal of 32,768 Hz, two microphones MP34DT01 on one line, of which the
// left one is heard. Its ST-LINK's serial port is on PB6 (sends) and PB7 (receives).
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/board_facts.h"
#include "cortex_m/line_handlers.h"
#include "stm32/pins.h"
#include "stm32l4/stm32l4_registers.h"

namespace kws::board {

constexpr uintptr_t kSerialUsart = kUsart1;
constexpr uintptr_t kSerialEnableRegister = rcc::kApb2Enr;
constexpr Field kSerialEnable = rcc::kUsart1En;
constexpr uint32_t kSerialBusHz = kClockHz;
constexpr uint32_t kSerialInterruptLine = kUsart1Line;
constexpr Pin kSerialSends{kGpioB, rcc::kGpioBEn, 6, 7};
constexpr Pin kSerialReceives{kGpioB, rcc::kGpioBEn, 7, 7};

constexpr Pin kMicrophoneClock{kGpioE, rcc::kGpioEEn, 9, 6};  // DFSDM1_CKOUT
constexpr Pin kMicrophoneData{kGpioE, rcc::kGpioEEn, 7, 6};  // DFSDM1_DATIN2
constexpr uint32_t kMicrophoneInterruptLine = kDma1Channel4Line;
constexpr Pin kLight{kGpioB, rcc::kGpioBEn, 14, 0};  // LD2, green, on when high

// Of flash, for kept settings: the last two pages of bank 2. The linker script leaves them (stm32l475.ld).
constexpr std::array<uintptr_t, 2> kSettingsAreas{0x080FF000, 0x080FF800};
constexpr std::array<uint32_t, 2> kSettingsPages{254, 255};
constexpr uint32_t kSettingsAreaBytes = 2048;

constexpr uint32_t kInterruptLines = 82;
constexpr std::array<LineHandler, 2> kLineHandlers{
    {{kSerialInterruptLine, KwsSerialInterrupt}, {kMicrophoneInterruptLine, KwsMicrophoneInterrupt}}};
constexpr std::array<ExceptionHandler, 2> kExceptionHandlers{kNonMaskableHandler,
                                                             kTickHandler};  // wakes the core for the watchdog

}  // namespace kws::board
