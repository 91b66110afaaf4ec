// Consistent overhead byte stuffing: any bytes become bytes without 0x00, which then delimits frames.
// At most one byte of overhead for each started block of 254. host/PROTOCOL.md shows the block layout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws {

// Most bytes that encoding `size` bytes can take, without the delimiter.
constexpr size_t CobsMaxEncodedBytes(size_t size) { return size + size / 254 + 1; }

// Encodes bytes as they come into a buffer that the caller owns.
class CobsEncoder {
 public:
  // `out` must outlive the encoder.
  CobsEncoder(uint8_t* out, size_t capacity_bytes) : out_(out), capacity_(capacity_bytes) { Reset(); }

  // Forgets everything encoded so far.
  void Reset();

  // Appends one byte. Past the capacity nothing more is written and Finish() says so.
  void Push(uint8_t byte);

  // Closes the last block and sets `*size` to the bytes written, without a delimiter.
  // kOutOfRange: the buffer was too small; `*size` is then 0.
  Status Finish(size_t* size);

 private:
  void OpenBlock();

  uint8_t* out_;
  size_t capacity_;
  size_t size_;        // bytes written, the open block's code byte included
  size_t code_index_;  // where the open block's code byte goes
  uint8_t code_;       // 1 + bytes in the open block
  bool block_is_open_;
  bool overflow_;
};

// Decodes one frame's bytes as they come, without its delimiter, into a buffer that the caller owns.
class CobsDecoder {
 public:
  // `out` must outlive the decoder.
  CobsDecoder(uint8_t* out, size_t capacity_bytes) : out_(out), capacity_(capacity_bytes) {}

  // Starts the next frame.
  void Reset() {
    size_ = 0;
    block_left_ = 0;
    code_ = 0;
  }

  // Takes one encoded byte, which must not be 0x00.
  // kOutOfRange: the decoded frame is longer than the buffer. kInvalidArgument: the byte is 0x00.
  Status Push(uint8_t byte);

  // The frame ended here. kDataLoss: in the middle of a block.
  Status Finish() const { return block_left_ == 0 ? Status::kOk : Status::kDataLoss; }

  const uint8_t* data() const { return out_; }
  size_t size() const { return size_; }
  bool empty() const { return code_ == 0; }  // true until the first Push()

 private:
  Status Append(uint8_t byte);

  uint8_t* out_;
  size_t capacity_;
  size_t size_ = 0;
  uint8_t block_left_ = 0;  // bytes that the open block still lacks
  uint8_t code_ = 0;        // code byte of the open block, 0 before the first
};

}  // namespace kws
