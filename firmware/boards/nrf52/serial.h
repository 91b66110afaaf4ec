// Sizes of the serial port's receiver. Private to firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

constexpr uint32_t kSerialRingBytes = 4096;   // 44 ms at full speed
constexpr uint32_t kSerialChunkBytes = 1024;  // 11 ms

static_assert((kSerialRingBytes & (kSerialRingBytes - 1)) == 0, "indices wrap by masking");
static_assert(kSerialRingBytes % kSerialChunkBytes == 0 && kSerialRingBytes / kSerialChunkBytes >= 3,
              "one chunk is filled, one is told already, the others are fetched from");

}  // namespace kws::board
