// CRC-32 as zlib and Ethernet have it (reflected polynomial 0xEDB88320; the CRC of "123456789" is 0xCBF43926).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws {

// CRC of `size` bytes at `data`, continued from `crc`: Crc32(ab) == Crc32(b, Crc32(a)). Start with 0.
// `data` may be null when `size` is 0. Reentrant; safe in an interrupt.
uint32_t Crc32(const void* data, size_t size, uint32_t crc = 0);

}  // namespace kws
