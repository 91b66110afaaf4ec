// Which interrupt lines of a chip have a handler; all others end as a fault. Private to firmware/boards.
#pragma once

#include <cstdint>

// Defined by the drivers that want them.
extern "C" {
void KwsSerialInterrupt();
void KwsMicrophoneInterrupt();
}

namespace kws::board {

// board_config.h has an array of them, kLineHandlers.
struct LineHandler {
  uint32_t line;
  void (*handler)();
};

}  // namespace kws::board
