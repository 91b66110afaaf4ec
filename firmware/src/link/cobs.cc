#include "kws/cobs.h"

namespace kws {

void CobsEncoder::Reset() {
  size_ = 0;
  overflow_ = false;
  OpenBlock();
}

void CobsEncoder::OpenBlock() {
  code_index_ = size_++;
  code_ = 1;
  block_is_open_ = true;
  overflow_ |= size_ > capacity_;
}

void CobsEncoder::Push(uint8_t byte) {
  // A full block opens its successor only when another byte comes, so that 254 bytes end without an empty block.
  if (!block_is_open_) OpenBlock();
  if (overflow_) return;
  if (byte == 0) {
    out_[code_index_] = code_;
    OpenBlock();
    return;
  }
  if (size_ == capacity_) {
    overflow_ = true;
    return;
  }
  out_[size_++] = byte;
  if (++code_ == 0xFF) {
    out_[code_index_] = code_;
    block_is_open_ = false;
  }
}

Status CobsEncoder::Finish(size_t* size) {
  *size = 0;
  if (overflow_) return Status::kOutOfRange;
  if (block_is_open_) out_[code_index_] = code_;
  block_is_open_ = false;
  *size = size_;
  return Status::kOk;
}

Status CobsDecoder::Append(uint8_t byte) {
  if (size_ == capacity_) return Status::kOutOfRange;
  out_[size_++] = byte;
  return Status::kOk;
}

Status CobsDecoder::Push(uint8_t byte) {
  if (byte == 0) return Status::kInvalidArgument;
  if (block_left_ != 0) {
    --block_left_;
    return Append(byte);
  }
  // A new block: the one before stood for its bytes and a zero, unless it was the first or a full one.
  const bool zero_between = code_ != 0 && code_ != 0xFF;
  code_ = byte;
  block_left_ = static_cast<uint8_t>(byte - 1);
  return zero_between ? Append(0) : Status::kOk;
}

}  // namespace kws
