// Copies of rows, word by word: the size-optimised C library of the boards copies byte by byte.
#pragma once

#include <cstdint>
#include <cstring>

namespace kws::aot {

// Copies `count` bytes upwards. `to` may overlap `from` only from below (to <= from). Any alignment.
inline void CopyBytes(int8_t* to, const int8_t* from, int count) {
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    uint32_t words[4];  // read before written: the ranges may overlap
    __builtin_memcpy(words, from + i, sizeof words);
    // Keeps the compiler from making one call of memmove() out of this loop.
    __asm volatile("" ::: "memory");
    __builtin_memcpy(to + i, words, sizeof words);
  }
  for (; i < count; ++i) {
    to[i] = from[i];
    __asm volatile("" ::: "memory");
  }
}

}  // namespace kws::aot
