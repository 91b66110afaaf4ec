// Memory of the board that outlasts a start: a few hundred bytes that the application keeps, as one block. Boards
// without it define these functions too (boards/arduino/settings_none.cc). Main thread only; may take as long as
// flash does. LoadSettings() is called at every start, before anything is saved.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws::board {

// Copies what was saved last to `out`, and returns its size: 0 where nothing was, where it is larger than
// `capacity_bytes`, and on boards without such memory. Whether the bytes are whole is for the caller to find out.
size_t LoadSettings(uint8_t* out, size_t capacity_bytes);

// Saves `size` bytes in the place of what was saved before; of none: nothing is saved any more.
//   kOk; kUnavailable: this board has no such memory; kOutOfRange: more than it holds; kDataLoss: it could not be
//   written
Status SaveSettings(const uint8_t* data, size_t size);

}  // namespace kws::board
