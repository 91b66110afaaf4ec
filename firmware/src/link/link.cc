#include "kws/link.h"

namespace kws {

const Frame* Link::Receive(uint8_t byte) {
  switch (decoder_.Push(byte)) {
    case FrameEvent::kNone:
      return nullptr;
    case FrameEvent::kFrame:
      ++counters_.frames_ok;
      return &decoder_.frame();
    case FrameEvent::kBadCobs:
      ++counters_.bad_cobs;
      return nullptr;
    case FrameEvent::kTooShort:
      ++counters_.too_short;
      return nullptr;
    case FrameEvent::kTooLong:
      ++counters_.too_long;
      return nullptr;
    case FrameEvent::kBadCrc:
      ++counters_.bad_crc;
      return nullptr;
  }
  return nullptr;
}

FrameWriter& Link::BeginAnswer(MessageType type, uint16_t seq) {
  writer_.Begin(static_cast<uint8_t>(type), seq);
  return writer_;
}

Status Link::Send() {
  const Status status = writer_.Finish();
  if (IsOk(status)) write_(writer_.data(), writer_.size());
  return status;
}

void Link::Restart() {
  decoder_.Push(0);
  counters_ = LinkCounters{};
  event_seq_ = 0;
}

}  // namespace kws
