#include "kws/frame.h"

#include <cstring>

#include "kws/crc32.h"

namespace kws {

const char* FrameEventName(FrameEvent event) {
  switch (event) {
    case FrameEvent::kNone:
      return "none";
    case FrameEvent::kFrame:
      return "frame";
    case FrameEvent::kBadCobs:
      return "bad_cobs";
    case FrameEvent::kTooShort:
      return "too_short";
    case FrameEvent::kTooLong:
      return "too_long";
    case FrameEvent::kBadCrc:
      return "bad_crc";
  }
  return "unknown";
}

FrameEvent FrameDecoder::Push(uint8_t byte) {
  if (byte != 0) {
    if (!too_long_ && !IsOk(cobs_.Push(byte))) too_long_ = true;
    return FrameEvent::kNone;
  }
  const FrameEvent event = Finish();
  cobs_.Reset();
  too_long_ = false;
  return event;
}

FrameEvent FrameDecoder::Finish() {
  if (too_long_) return FrameEvent::kTooLong;
  if (cobs_.empty()) return FrameEvent::kNone;  // two delimiters in a row are no frame
  if (!IsOk(cobs_.Finish())) return FrameEvent::kBadCobs;
  const uint8_t* data = cobs_.data();
  const size_t size = cobs_.size();
  if (size < kFrameHeaderBytes + kFrameCrcBytes) return FrameEvent::kTooShort;
  const size_t body = size - kFrameCrcBytes;
  uint32_t crc = 0;
  for (size_t i = 0; i < kFrameCrcBytes; ++i) crc |= static_cast<uint32_t>(data[body + i]) << (8 * i);
  if (crc != Crc32(data, body)) return FrameEvent::kBadCrc;
  frame_.version = data[0];
  frame_.type = data[1];
  frame_.seq = static_cast<uint16_t>(data[2] | (data[3] << 8));
  frame_.payload = data + kFrameHeaderBytes;
  frame_.payload_bytes = body - kFrameHeaderBytes;
  return FrameEvent::kFrame;
}

FrameWriter::FrameWriter(uint8_t* buffer, size_t capacity_bytes)
    : buffer_(buffer),
      capacity_(capacity_bytes),
      cobs_(buffer + (capacity_bytes >= 2 ? 1 : 0), capacity_bytes >= 2 ? capacity_bytes - 2 : 0) {}

void FrameWriter::Begin(uint8_t type, uint16_t seq, uint8_t version) {
  size_ = 0;
  crc_ = 0;
  payload_bytes_ = 0;
  cobs_.Reset();
  const uint8_t header[kFrameHeaderBytes] = {version, type, static_cast<uint8_t>(seq), static_cast<uint8_t>(seq >> 8)};
  Put(header, sizeof(header));
}

void FrameWriter::Put(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  crc_ = Crc32(bytes, size, crc_);
  for (size_t i = 0; i < size; ++i) cobs_.Push(bytes[i]);
}

void FrameWriter::Bytes(const void* data, size_t size) {
  payload_bytes_ += size;
  Put(data, size);
}

void FrameWriter::U16(uint16_t value) {
  const uint8_t bytes[2] = {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8)};
  Bytes(bytes, sizeof(bytes));
}

void FrameWriter::U32(uint32_t value) {
  U16(static_cast<uint16_t>(value));
  U16(static_cast<uint16_t>(value >> 16));
}

void FrameWriter::U64(uint64_t value) {
  U32(static_cast<uint32_t>(value));
  U32(static_cast<uint32_t>(value >> 32));
}

void FrameWriter::String(const char* text) {
  const size_t length = std::strlen(text);
  const size_t kept = length < 255 ? length : 255;
  U8(static_cast<uint8_t>(kept));
  Bytes(text, kept);
}

Status FrameWriter::Finish() {
  if (payload_bytes_ > kMaxPayloadBytes || capacity_ < 2) return Status::kOutOfRange;
  uint32_t crc = crc_;
  for (size_t i = 0; i < kFrameCrcBytes; ++i, crc >>= 8) cobs_.Push(static_cast<uint8_t>(crc));
  size_t encoded = 0;
  const Status status = cobs_.Finish(&encoded);
  if (!IsOk(status)) return status;
  buffer_[0] = 0;
  buffer_[1 + encoded] = 0;
  size_ = encoded + 2;
  return Status::kOk;
}

}  // namespace kws
