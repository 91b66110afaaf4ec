// Which exceptions and interrupt lines of a chip have a handler; all others end as a fault. Private to firmware/boards.
#pragma once

#include <cstdint>

// Defined by the drivers that want them.
extern "C" {
void KwsSerialInterrupt();
void KwsMicrophoneInterrupt();
void KwsTickInterrupt();
void KwsNonMaskableInterrupt();
}

namespace kws::board {

// Of the core, numbered as in the architecture's manuals. board_config.h has an array of them, kExceptionHandlers.
struct ExceptionHandler {
  uint32_t exception;
  void (*handler)();
};
constexpr ExceptionHandler kNonMaskableHandler{2, KwsNonMaskableInterrupt};
constexpr ExceptionHandler kTickHandler{15, KwsTickInterrupt};

// board_config.h has an array of them, kLineHandlers.
struct LineHandler {
  uint32_t line;
  void (*handler)();
};

}  // namespace kws::board
