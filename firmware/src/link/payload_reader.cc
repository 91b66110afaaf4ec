#include "kws/payload_reader.h"

namespace kws {

uint8_t PayloadReader::U8() {
  if (left_ == 0) {
    ok_ = false;
    return 0;
  }
  --left_;
  return *data_++;
}

uint16_t PayloadReader::U16() {
  const uint16_t low = U8();
  return static_cast<uint16_t>(low | (U8() << 8));
}

uint32_t PayloadReader::U32() {
  const uint32_t low = U16();
  return low | (static_cast<uint32_t>(U16()) << 16);
}

}  // namespace kws
