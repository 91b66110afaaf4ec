#include "mlperf/input_buffer.h"

#include <cstring>

namespace kws::mlperf {
namespace {

// 0 to 15, or -1.
int DigitIn(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool InputBuffer::Expect(size_t size) {
  size_ = 0;
  expected_ = size <= kCapacityBytes ? size : 0;
  return expected_ != 0;
}

InputBuffer::Outcome InputBuffer::Append(const char* digits, char (&bad)[3]) {
  const size_t count = std::strlen(digits);
  if (count % 2 != 0) return Outcome::kOddDigits;
  for (size_t i = 0; i < count; i += 2) {
    if (DigitIn(digits[i]) >= 0 && DigitIn(digits[i + 1]) >= 0) continue;
    bad[0] = digits[i];
    bad[1] = digits[i + 1];
    bad[2] = 0;
    return Outcome::kBadDigit;
  }
  if (size_ == expected_) return Outcome::kNoRoom;
  for (size_t i = 0; i < count && size_ < expected_; i += 2) {
    bytes_[size_++] = static_cast<uint8_t>(16 * DigitIn(digits[i]) + DigitIn(digits[i + 1]));
  }
  return size_ == expected_ ? Outcome::kDone : Outcome::kMore;
}

}  // namespace kws::mlperf
