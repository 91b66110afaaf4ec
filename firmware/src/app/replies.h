// What the device says: answers, events and errors, and how many of the latter there were.
#pragma once

#include <cstdint>

#include "kws/link.h"
#include "kws/messages.h"

namespace kws::app {

// Main thread only.
class Replies {
 public:
  // The link must outlive it.
  explicit Replies(Link& link) : link_(link) {}

  // Starts an answer to the request `seq`, or an event. Write the payload to the result, then Send().
  FrameWriter& Answer(MessageType type, uint16_t seq) { return link_.BeginAnswer(type, seq); }
  FrameWriter& Event(MessageType type) { return link_.BeginEvent(type); }
  void Send();

  // Answers a request with an error.
  void Error(ErrorCode code, MessageType request, uint16_t seq, uint32_t detail);

  // Errors since Restart().
  uint32_t errors_sent() const { return errors_sent_; }

  void Restart() { errors_sent_ = 0; }

 private:
  Link& link_;
  uint32_t errors_sent_ = 0;
};

}  // namespace kws::app
