// Clocks of the STM32F405 and STM32F407: 168 MHz from a crystal, which board_config.h names. Private to
// firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

constexpr uint32_t kInternalOscillatorHz = 16000000;  // what the core runs on until StartClocks()
constexpr uint32_t kPllInputHz = 1000000;  // of both PLLs: the crystal, divided

// The core at 168 MHz, APB1 at a quarter, APB2 at half of that; five wait states, caches on. Returns false, and stays
// on the internal oscillator, where the crystal does not start (QEMU has none): then the core is a tenth as fast, too
// slow for a step in its time, and the serial port 2.1 % and the oscillator's own error too fast.
bool StartClocks();

// Whether the watchdog caused the start. Asks the chip once, and lets it forget: the next restart has its own cause.
bool TakeWatchdogFlag();

}  // namespace kws::board
