// What board.h declares of boards that have neither a watchdog nor a light.
#include "kws/board.h"

namespace kws::board {

void FeedWatchdog() {}
bool StartedByWatchdog() { return false; }
void ShowDetection(bool) {}

}  // namespace kws::board
