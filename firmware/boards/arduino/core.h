// What Arduino cores have each in a way of their own: the serial port's buffer, a counter of the core's cycles, the
// reset. Include it last, and only where Arduino.h may be: its macros (abs, bit, F, PI, word, ...) must not reach our
// headers. Private to firmware/boards/arduino.
#pragma once

#include <cstddef>
#include <cstdint>

#include <Arduino.h>

namespace kws::board {

// What a hardware UART has to hold between two calls of ReadSerial(): twice the credit window of host/PROTOCOL.md, for
// a window as frames, and what else the host asks.
constexpr size_t kSerialBufferBytes = 4096;

#if defined(ARDUINO_ARCH_ESP32)  // Espressif's own core: ESP32 and its kin, Xtensa or RISC-V

inline void PrepareSerial() { Serial.setRxBufferSize(kSerialBufferBytes); }  // counts before begin()
inline void StartCycles() {}
inline uint32_t Cycles() { return ESP.getCycleCount(); }
inline void ResetChip() { ESP.restart(); }

#elif defined(ARDUINO_ARCH_RP2040) && !defined(ARDUINO_ARCH_MBED)  // arduino-pico: RP2040 and RP2350

inline void PrepareSerial() {}  // USB holds the host back
inline void StartCycles() {}
inline uint32_t Cycles() { return rp2040.getCycleCount(); }
inline void ResetChip() { rp2040.reboot(); }

#elif defined(__CORTEX_M)  // any core that brings CMSIS: Arduino's own with Mbed, STM32duino and others

// STM32duino's UART takes its buffer's size from a macro, which the core is compiled with; other ports are USB's.
#if defined(ARDUINO_ARCH_STM32)
static_assert(SERIAL_RX_BUFFER_SIZE >= kSerialBufferBytes, "build with -DSERIAL_RX_BUFFER_SIZE=4096");
#endif
inline void PrepareSerial() {}

#if defined(DWT_CTRL_CYCCNTENA_Msk)
inline void StartCycles() {
  CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
#if __CORTEX_M == 7
  DWT->LAR = 0xC5ACCE55;  // locked after a reset without a debugger
#endif
  DWT->CYCCNT = 0;
  DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
}
inline uint32_t Cycles() { return DWT->CYCCNT; }
#else  // a Cortex-M0 has no such counter
inline void StartCycles() {}
inline uint32_t Cycles() { return 0; }
#endif
inline void ResetChip() { NVIC_SystemReset(); }

#else
#error "this Arduino core is not known here: firmware/boards/arduino/core.h has to say how it counts cycles and resets"
#endif

}  // namespace kws::board
