#include "mlperf/printer.h"

#include <cstring>

namespace kws::mlperf {

const Printer& Printer::Text(const char* text) const {
  write_(reinterpret_cast<const uint8_t*>(text), std::strlen(text));
  return *this;
}

const Printer& Printer::Foreign(const char* text) const {
  for (; *text != 0; ++text) {
    const auto byte = static_cast<uint8_t>(*text);
    const uint8_t shown = byte < ' ' || byte > '~' ? '?' : byte;
    write_(&shown, 1);
  }
  return *this;
}

const Printer& Printer::Number(uint64_t value) const {
  char digits[21];  // 2^64 has 20
  char* at = digits + sizeof(digits) - 1;
  *at = 0;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return Text(at);
}

const Printer& Printer::Signed(int32_t value) const {
  if (value < 0) Text("-");
  return Number(static_cast<uint64_t>(value < 0 ? -int64_t{value} : value));
}

const Printer& Printer::Hex(uint8_t value) const {
  constexpr char kDigits[] = "0123456789abcdef";
  const char text[] = {kDigits[value >> 4], kDigits[value & 15], 0};
  return Text(text);
}

const Printer& Printer::Hex32(uint32_t value) const {
  for (int shift = 24; shift >= 0; shift -= 8) Hex(static_cast<uint8_t>(value >> shift));
  return *this;
}

const Printer& Printer::Q15(uint16_t value) const {
  uint32_t millionths = (uint32_t{value} * 15625 + 256) >> 9;  // 10^6 / 2^15 = 15625 / 2^9
  char decimals[7] = {};
  for (int i = 5; i >= 0; --i, millionths /= 10) decimals[i] = static_cast<char>('0' + millionths % 10);
  return Number(millionths).Text(".").Text(decimals);
}

}  // namespace kws::mlperf
