// Clocks of the STM32L475: 80 MHz from its multi-speed oscillator (MSI), which a crystal of 32,768 Hz corrects. Private
// to firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

constexpr uint32_t kOscillatorHz = 4000000;  // of the MSI after reset, and what the PLLs divide

// The core and all buses at 80 MHz, four wait states, caches on. Returns false, and makes the oscillator the core's
// clock, at 48 MHz, where the PLL does not start.
//
// Starts the crystal, too, which takes up to two seconds; nobody waits for it. TendClocks() locks the oscillator to it
// once it runs, which makes 4 MHz 122 * 32,768 = 3,997,696 Hz; until then it is as the factory trimmed it (within 1 %
// at room temperature).
bool StartClocks();

// Whether the watchdog caused the start. Asks the chip once, and lets it forget: the next restart has its own cause.
bool TakeWatchdogFlag();

}  // namespace kws::board
