// Bits of a register. Private to firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

// `width` bits, 1 to 32, from bit `position` on.
struct Field {
  uint32_t position;
  uint32_t width;

  // The field's bits.
  constexpr uint32_t mask() const { return (0xFFFFFFFFu >> (32 - width)) << position; }

  // A value in its place.
  constexpr uint32_t operator()(uint32_t value) const { return (value << position) & mask(); }

  // The value in a register's word.
  constexpr uint32_t Of(uint32_t word) const { return (word & mask()) >> position; }

  // A register's word with another value here.
  constexpr uint32_t Replace(uint32_t word, uint32_t value) const { return (word & ~mask()) | (*this)(value); }
};

}  // namespace kws::board
