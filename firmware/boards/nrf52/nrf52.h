// What the drivers of the nRF52 need of each other. Private to firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

// A wait for the hardware gives up after so many looks at a register, a tenth of a second or more. None of what is
// waited for takes a hundredth of that, but the erasing of a page, which has a bound of its own (settings_flash.cc).
constexpr uint32_t kMostLooks = 1000000;

// Crystal oscillator on, instruction cache on. Returns as soon as the crystal runs, or when it seems to have none.
void StartClocks();

// Whether the clocks are the crystal's. The internal oscillator may be off by several per cent.
bool CrystalRuns();

// Reads why the chip was reset, and forgets it. Call it once, first.
void ReadResetReason();

// Pins and receiver of the serial port.
void StartSerial();

// For Idle(), with interrupts masked: whether ReadSerial() would give something now, and from then on the next byte
// that arrives makes an interrupt pending, until StopWaitingForSerial().
bool WaitForSerial();
void StopWaitingForSerial();

}  // namespace kws::board
