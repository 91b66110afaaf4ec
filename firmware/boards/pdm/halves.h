// Which half of a circular DMA ring of two an interrupt finds whole. Private to firmware/boards.
#pragma once

#include <cstdint>

namespace kws::pdm {

struct WholeHalf {
  bool found;
  bool missed;  // the other one was whole before, and is being filled again
  uint32_t index;  // 0 or 1
};

// `first_done` and `second_done` are what the DMA said since the last interrupt; `fills_first`: its place is in the
// first half now.
inline WholeHalf FindWholeHalf(bool first_done, bool second_done, bool fills_first) {
  const bool both = first_done && second_done;
  return {first_done || second_done, both, (both ? fills_first : second_done) ? 1u : 0u};
}

}  // namespace kws::pdm
