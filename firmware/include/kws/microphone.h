// The board's microphone: PCM that an interrupt or DMA puts into a ring, from which the application fetches it. Boards
// without one define these functions too (boards/arduino/microphone_none.cc). Main thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws::board::microphone {

// Starts it, or starts it anew: what was recorded before is forgotten, nothing is lost so far.
//   kOk; kUnavailable: this board has none; kInvalidArgument: not at this rate, or its clock does not run; kDataLoss:
//   its recording cannot be read
Status Start(uint32_t sample_rate_hz);

// Stops it. Samples that nobody fetched are forgotten, and so is what was lost.
void Stop();

// Copies up to `capacity` samples to `out`, oldest first, and returns how many. Never waits: 0 means none now.
size_t Read(int16_t* out, size_t capacity);

// Whether Read() would give some. For Idle(), with interrupts masked.
bool HasSamples();

// Samples since Start() that were dropped because the ring was full. 0 is the only good value.
uint32_t LostSamples();

}  // namespace kws::board::microphone
