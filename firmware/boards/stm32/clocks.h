// What drivers and boards with an STM32 need of their family's clocks. Each family defines it. Private to
// firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

// What the core runs at: KWS_CLOCK_HZ, or less where StartClocks() could not start the clock that it wants.
uint32_t CoreHz();

// Does what StartClocks() does not wait for, when its time has come. Called on each turn of the main loop.
void TendClocks();

}  // namespace kws::board
