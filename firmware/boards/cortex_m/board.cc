// What board.h declares and every Cortex-M board does alike.
#include "kws/board.h"
#include "board_config.h"
#include "cortex_m/core.h"
#include "kws/semihosting.h"

namespace kws::board {

bool IsEmulated() { return !g_counts_cycles; }

const char* Name() { return kBoardName; }

void Exit(int code) {
  semihosting::Exit(code);
  for (;;) __asm volatile("wfi");
}

}  // namespace kws::board
