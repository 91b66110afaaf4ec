// Text to the serial port, without the C library's formatting: that would bring the heap along.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::mlperf {

// Each call hands its characters on at once. Holds no state of its own: several may write to one port by turns.
class Printer {
 public:
  // Hands bytes to the port; returns when it has taken them all. board::WriteSerial in the firmware.
  using WriteFn = void (*)(const uint8_t* data, size_t size);

  explicit Printer(WriteFn write) : write_(write) {}

  const Printer& Text(const char* text) const;
  // A text of somebody else's: what is no printable ASCII becomes '?', since the runner reads each byte as a character.
  const Printer& Foreign(const char* text) const;
  const Printer& Number(uint64_t value) const;
  const Printer& Signed(int32_t value) const;
  // Two lower-case digits.
  const Printer& Hex(uint8_t value) const;
  // 32 bits as eight lower-case digits.
  const Printer& Hex32(uint32_t value) const;
  // A fraction of 32768, 0 to 32768, with six decimals, rounded to the nearest: they tell all fractions apart.
  const Printer& Q15(uint16_t value) const;
  // CR and LF.
  void EndLine() const { Text("\r\n"); }

 private:
  WriteFn write_;
};

}  // namespace kws::mlperf
