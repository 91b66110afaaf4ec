// nRF52840 DK (PCA10056). Pins: Nordic, nRF52840 DK Hardware User Guide.
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/line_handlers.h"
#include "nrf52/nrf52_registers.h"
#include "nrf52/pin.h"

namespace kws::board {

constexpr uint32_t kInterruptLines = 48;
constexpr std::array<LineHandler, 2> kLineHandlers{
    {{kUarte0Line, KwsSerialInterrupt}, {kPdmLine, KwsMicrophoneInterrupt}}};
constexpr std::array<ExceptionHandler, 0> kExceptionHandlers{};

// Of flash, for kept settings: its last two pages. The linker script leaves them.
constexpr std::array<uintptr_t, 2> kSettingsAreas{0xFE000, 0xFF000};
constexpr uint32_t kSettingsAreaBytes = 4096;

// The debugger's serial port over USB, which has no 921,600 bit/s.
constexpr Pin kSerialSends{0, 6};
constexpr Pin kSerialReceives{0, 8};
constexpr uint32_t kSerialRate = uarte::kBaudrate1M;

constexpr Pin kLightPin{0, 13};  // LED1
constexpr bool kLightIsHigh = false;
constexpr bool kLightHasGround = false;  // it has it always
constexpr Pin kLightGround{};

// There is no microphone on the board: wires to one, select to ground (left channel).
constexpr Pin kMicrophoneClock{1, 1};  // D0 of the Arduino header
constexpr Pin kMicrophoneData{1, 2};   // D1
constexpr bool kMicrophoneHasPowerPin = false;
constexpr Pin kMicrophonePower{};

}  // namespace kws::board
