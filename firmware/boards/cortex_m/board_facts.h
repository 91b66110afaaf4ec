// What the board's file in firmware/platform/boards says, as the build hands it over. Private to firmware/boards.
#pragma once

#include <cstdint>
#include <numeric>

#if !defined(KWS_BOARD_NAME) || !defined(KWS_CLOCK_HZ)
#error "KWS_BOARD_NAME and KWS_CLOCK_HZ are the build's to define, see firmware/kws_firmware/boards.py"
#endif

namespace kws::board {

constexpr char kBoardName[] = KWS_BOARD_NAME;
constexpr uint32_t kClockHz = KWS_CLOCK_HZ;

#if defined(KWS_ICOUNT_SHIFT)
// An emulated instruction takes so many nanoseconds of virtual time. A power of two.
constexpr uint32_t kInstructionNs = 1u << KWS_ICOUNT_SHIFT;
#endif

// A positive fraction in lowest terms.
struct Fraction {
  uint32_t numerator;
  uint32_t denominator;
};

// Ticks of a counter in an emulated instruction. More than one is enough for exact counts: the nearest number of
// instructions is the right one then, wherever between two ticks the readings fell.
//   counter_hz      what the counter advances by in a second of virtual time
//   instruction_ns  see kInstructionNs
constexpr Fraction TicksPerInstruction(uint32_t counter_hz, uint32_t instruction_ns) {
  constexpr uint64_t kNsPerSecond = 1000000000;
  const uint64_t ticks = uint64_t{counter_hz} * instruction_ns;
  const uint64_t divisor = std::gcd(ticks, kNsPerSecond);
  return {static_cast<uint32_t>(ticks / divisor), static_cast<uint32_t>(kNsPerSecond / divisor)};
}

}  // namespace kws::board
