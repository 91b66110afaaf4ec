#include "app/flow_control.h"

#include "kws/messages.h"

namespace kws::app {

void FlowControl::Take(uint16_t seq, uint32_t offset, const uint8_t* pcm, size_t size) {
  const uint32_t expected = source_.written_bytes();
  const auto ahead = static_cast<int32_t>(offset - expected);  // offsets wrap
  if (ahead > 0) {
    ++counters_.gaps;
    return replies_.Error(ErrorCode::kAudioGap, MessageType::kAudio, seq, expected);
  }
  const uint32_t behind = expected - offset;
  const size_t known = behind < size ? behind : size;
  counters_.repeated_bytes += static_cast<uint32_t>(known);
  pcm += known;
  size -= known;
  if (!IsOk(source_.Write(pcm, size))) {
    ++counters_.overruns;
    return replies_.Error(ErrorCode::kAudioOverrun, MessageType::kAudio, seq, credit_limit_);
  }
  audio_seq_ = seq;
  // Nothing new: the host asks where we are, so answer even when the ring is not empty.
  if (size == 0) return SendCredit(MessageType::kCredit, seq);
  credit_is_due_ = true;
}

void FlowControl::Grant() {
  // Granting half windows halves the answers; an empty ring grants at once, since the host may be waiting.
  const uint32_t grown = source_.read_bytes() + LinkAudioSource::kCapacityBytes - credit_limit_;
  const bool is_empty = source_.read_bytes() == source_.written_bytes();
  if ((!credit_is_due_ || !is_empty) && grown < LinkAudioSource::kCapacityBytes / 2) return;
  credit_is_due_ = false;
  SendCredit(MessageType::kCredit, audio_seq_);
}

void FlowControl::SendCredit(MessageType type, uint16_t seq) {
  credit_limit_ = source_.read_bytes() + static_cast<uint32_t>(LinkAudioSource::kCapacityBytes);
  WriteCredit(source_.written_bytes(), credit_limit_, replies_.Answer(type, seq));
  replies_.Send();
}

void FlowControl::ForgetAudio() {
  source_.Clear();
  credit_limit_ = LinkAudioSource::kCapacityBytes;
  credit_is_due_ = false;
}

void FlowControl::Restart() {
  counters_ = {};
  ForgetAudio();
}

}  // namespace kws::app
