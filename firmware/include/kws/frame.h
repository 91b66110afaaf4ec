// Frames of the serial link: version u8 | type u8 | seq u16 | payload | crc32 u32, little-endian, COBS, between 0x00.
// host/PROTOCOL.md is the specification; tests/vectors/link.txt tests this side and the host's alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/cobs.h"
#include "kws/protocol.h"
#include "kws/status.h"

namespace kws {

inline constexpr size_t kMaxFrameBytes = kFrameHeaderBytes + kMaxPayloadBytes + kFrameCrcBytes;
// On the wire: COBS and a 0x00 on both sides.
inline constexpr size_t kMaxWireBytes = CobsMaxEncodedBytes(kMaxFrameBytes) + 2;

// A decoded frame; `payload` points into the decoder's buffer and holds until the decoder's next Push().
struct Frame {
  uint8_t version = 0;
  uint8_t type = 0;
  uint16_t seq = 0;
  const uint8_t* payload = nullptr;
  size_t payload_bytes = 0;
};

// What one received byte led to.
enum class FrameEvent : uint8_t {
  kNone = 0,      // in the middle of a frame
  kFrame = 1,     // frame() holds a frame with a right CRC (its version and type may still be unknown)
  kBadCobs = 2,   // dropped: the byte stuffing ends in the middle of a block
  kTooShort = 3,  // dropped: shorter than header and CRC
  kTooLong = 4,   // dropped: longer than the buffer; reported once, at the delimiter
  kBadCrc = 5,    // dropped: the CRC does not match
};

// Short name as in tests/vectors/link.txt, never null.
const char* FrameEventName(FrameEvent event);

// Splits a byte stream into frames. Any byte sequence is fine; after whatever came before, the frame that follows the
// next 0x00 is decoded. Borrows its buffer: see FrameDecoderBuffer for one that owns it.
class FrameDecoder {
 public:
  // `buffer` must outlive the decoder; frames above `capacity_bytes` (header and CRC included) are dropped.
  FrameDecoder(uint8_t* buffer, size_t capacity_bytes) : cobs_(buffer, capacity_bytes) {}

  // Takes one byte of the wire.
  FrameEvent Push(uint8_t byte);

  // Valid after Push() returned kFrame and until its next call.
  const Frame& frame() const { return frame_; }

 private:
  FrameEvent Finish();

  CobsDecoder cobs_;
  Frame frame_;
  bool too_long_ = false;
};

// A FrameDecoder for frames of at most kCapacityBytes.
template <size_t kCapacityBytes = kMaxFrameBytes>
class FrameDecoderBuffer : public FrameDecoder {
 public:
  FrameDecoderBuffer() : FrameDecoder(buffer_, kCapacityBytes) {}

 private:
  uint8_t buffer_[kCapacityBytes];
};

// Builds one frame at a time, straight into its wire form: no second copy of the payload exists.
class FrameWriter {
 public:
  // `buffer` must outlive the writer; kMaxWireBytes hold every frame that a receiver accepts.
  FrameWriter(uint8_t* buffer, size_t capacity_bytes);

  // Starts a frame and drops an unfinished one.
  void Begin(uint8_t type, uint16_t seq, uint8_t version = kProtocolVersion);

  // Append to the payload, little-endian.
  void U8(uint8_t value) { Bytes(&value, 1); }
  void U16(uint16_t value);
  void U32(uint32_t value);
  void U64(uint64_t value);
  void Bytes(const void* data, size_t size);
  // Length u8, then at most 255 bytes of the null-terminated `text`.
  void String(const char* text);

  // Closes the frame. kOutOfRange: it did not fit; nothing may be sent then. Otherwise data() and size() hold it,
  // delimiters included, until the next Begin().
  Status Finish();

  const uint8_t* data() const { return buffer_; }
  size_t size() const { return size_; }

 private:
  void Put(const void* data, size_t size);

  uint8_t* buffer_;
  size_t capacity_;
  CobsEncoder cobs_;
  uint32_t crc_ = 0;
  size_t payload_bytes_ = 0;
  size_t size_ = 0;
};

}  // namespace kws
