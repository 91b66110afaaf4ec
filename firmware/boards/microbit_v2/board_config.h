// BBC micro:bit V2 (nRF52833, analog microphone). Pins: the micro:bit's schematic and pin map.
#pragma once

#include <array>
#include <cstdint>

#include "cortex_m/line_handlers.h"
#include "nrf52/nrf52_registers.h"
#include "nrf52/pin.h"

namespace kws::board {

constexpr uint32_t kInterruptLines = 48;
constexpr std::array<LineHandler, 2> kLineHandlers{
    {{kUarte0Line, KwsSerialInterrupt}, {kSaadcLine, KwsMicrophoneInterrupt}}};
constexpr std::array<ExceptionHandler, 0> kExceptionHandlers{};

// Of flash, for kept settings: its last two pages. The linker script leaves them.
constexpr std::array<uintptr_t, 2> kSettingsAreas{0x7E000, 0x7F000};
constexpr uint32_t kSettingsAreaBytes = 4096;

// The interface chip's serial port over USB.
constexpr Pin kSerialSends{0, 6};
constexpr Pin kSerialReceives{1, 8};
constexpr uint32_t kSerialRate = uarte::kBaudrate921600;

// The light in the upper left corner of the matrix: its row is high, its column low.
constexpr Pin kLightPin{0, 21};
constexpr bool kLightIsHigh = true;
constexpr bool kLightHasGround = true;
constexpr Pin kLightGround{0, 28};

constexpr uint32_t kMicrophoneInput = saadc::kPselPAnalogInput3;  // P0.05
constexpr Pin kMicrophonePower{0, 20};

}  // namespace kws::board
