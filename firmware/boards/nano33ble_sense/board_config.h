// Arduino Nano 33 BLE Sense (nRF52840 in a NINA-B306, microphone MP34DT05). Pins: Arduino's schematic.
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

// The header's TX and RX: the board's USB connector is the chip's own, which needs a USB stack.
constexpr Pin kSerialSends{1, 3};
constexpr Pin kSerialReceives{1, 10};
constexpr uint32_t kSerialRate = uarte::kBaudrate921600;

constexpr Pin kLightPin{0, 13};  // the yellow one
constexpr bool kLightIsHigh = true;
constexpr bool kLightHasGround = false;  // it has it always
constexpr Pin kLightGround{};

constexpr Pin kMicrophoneClock{0, 26};
constexpr Pin kMicrophoneData{0, 25};
constexpr bool kMicrophoneHasPowerPin = true;
constexpr Pin kMicrophonePower{0, 17};

}  // namespace kws::board
