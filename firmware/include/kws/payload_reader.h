// Little-endian fields of a request, as kws_reference/protocol/wire.py packs them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws {

// Reads a request's payload front to back. A read past the end gives 0 and clears ok().
class PayloadReader {
 public:
  PayloadReader(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  uint8_t U8();
  uint16_t U16();
  uint32_t U32();
  const uint8_t* rest() const { return data_; }
  size_t left() const { return left_; }
  bool ok() const { return ok_; }
  // Everything was read and nothing was missing.
  bool Complete() const { return ok_ && left_ == 0; }

 private:
  const uint8_t* data_;
  size_t left_;
  bool ok_ = true;
};

}  // namespace kws
