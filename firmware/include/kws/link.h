// The firmware's end of the serial link: makes checked frames of received bytes, and sends frames. Knows the types of
// messages, not what they hold.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/frame.h"
#include "kws/protocol.h"
#include "kws/status.h"

namespace kws {

// Counts of received frames, by outcome.
struct LinkCounters {
  uint32_t frames_ok = 0;
  uint32_t bad_cobs = 0;
  uint32_t too_short = 0;
  uint32_t too_long = 0;
  uint32_t bad_crc = 0;
};

// Owns the buffers of both directions. Place it in static memory. Not reentrant, main thread only.
class Link {
 public:
  // Hands bytes to the port; returns when it has taken them all. board::WriteSerial in the firmware.
  using WriteFn = void (*)(const uint8_t* data, size_t size);

  explicit Link(WriteFn write) : writer_(wire_, sizeof(wire_)), write_(write) {}

  // Takes one received byte. Returns the frame that it completed, or null. The frame holds until the next Receive().
  const Frame* Receive(uint8_t byte);

  // Starts an answer to the request `seq`, or an event, whose seq is counted here. Write the payload to the result,
  // then Send().
  FrameWriter& BeginAnswer(MessageType type, uint16_t seq);
  FrameWriter& BeginEvent(MessageType type) { return BeginAnswer(type, event_seq_++); }

  // Sends what Begin...() started. kOutOfRange: the payload was too long and nothing was sent.
  Status Send();

  const LinkCounters& counters() const { return counters_; }

  // A byte stream starts anew: forgets half a frame and the counters.
  void Restart();

 private:
  FrameDecoderBuffer<kMaxFrameBytes> decoder_;
  uint8_t wire_[kMaxWireBytes];
  FrameWriter writer_;
  WriteFn write_;
  LinkCounters counters_;
  uint16_t event_seq_ = 0;
};

}  // namespace kws
