// What the device tells of itself: INFO, and the names of labels, states and layers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/messages.h"

namespace kws::app {

// Strings and digest hold as long as the program.
InfoMessage DescribeDevice();

// How many names of a kind there are.
uint16_t NameCount(NamesKind kind);

// The name at `index`, which must be below NameCount(). Never null.
const char* NameOf(NamesKind kind, size_t index);

// How many of the names from `first` on one frame takes.
uint8_t NamesThatFit(NamesKind kind, size_t first);

}  // namespace kws::app
