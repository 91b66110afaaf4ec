#include "mlperf/command_reader.h"

namespace kws::mlperf {

char* CommandReader::Push(uint8_t byte) {
  const char c = static_cast<char>(byte);
  if (c == kEnd) {
    text_[size_] = 0;
    size_ = 0;
    return text_;
  }
  if (c != '\r' && c != '\n' && size_ < kMaxChars) text_[size_++] = c;
  return nullptr;
}

}  // namespace kws::mlperf
