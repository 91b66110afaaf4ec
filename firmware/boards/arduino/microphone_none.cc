// The board's microphone has no driver here yet.
#include "kws/microphone.h"

namespace kws::board::microphone {

Status Start(uint32_t) { return Status::kUnavailable; }
void Stop() {}
size_t Read(int16_t*, size_t) { return 0; }
bool HasSamples() { return false; }
uint32_t LostSamples() { return 0; }

}  // namespace kws::board::microphone
