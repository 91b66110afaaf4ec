#include "app/replies.h"

namespace kws::app {

void Replies::Send() {
  // Every message fits: whoever writes one asserts it, and NAMES is cut to the limit.
  if (!IsOk(link_.Send())) ++errors_sent_;
}

void Replies::Error(ErrorCode code, MessageType request, uint16_t seq, uint32_t detail) {
  ++errors_sent_;
  WriteError(code, static_cast<uint8_t>(request), detail, Answer(MessageType::kError, seq));
  Send();
}

}  // namespace kws::app
