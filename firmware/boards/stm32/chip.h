// What the boards with an STM32 that no emulator has do alike: sleep, ticks, watchdog. Private to firmware/boards.
#pragma once

namespace kws::board {

// Whether ReadSerial() would give some. For Idle(), with interrupts masked. Each family's serial port defines it.
bool SerialHasBytes();

}  // namespace kws::board
