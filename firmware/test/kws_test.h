// On-target tests: cases report themselves as lines on the serial port, read by test_custom_runner.py.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/board.h"

namespace kws::test {

inline int g_failures = 0;

inline void Print(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') ++length;
  board::WriteSerial(reinterpret_cast<const uint8_t*>(text), length);
}

inline void PrintNumber(int64_t value) {
  char digits[24];
  size_t position = sizeof digits;
  digits[--position] = '\0';
  const bool negative = value < 0;
  uint64_t rest = negative ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  do {
    digits[--position] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (negative) digits[--position] = '-';
  Print(digits + position);
}

// Reports one case. `got` and `expected` are printed on failure.
inline void Check(const char* name, bool passed, int64_t got, int64_t expected) {
  Print(passed ? "PASS " : "FAIL ");
  Print(name);
  if (!passed) {
    ++g_failures;
    Print(": got ");
    PrintNumber(got);
    Print(", expected ");
    PrintNumber(expected);
  }
  Print("\n");
}

inline void CheckTrue(const char* name, bool passed) { Check(name, passed, passed, 1); }
inline void CheckEqual(const char* name, int64_t got, int64_t expected) { Check(name, got == expected, got, expected); }

// A figure for the log; no verdict.
inline void Note(const char* name, int64_t value) {
  Print("NOTE ");
  Print(name);
  Print(" ");
  PrintNumber(value);
  Print("\n");
}

// Ends the suite. Never returns.
[[noreturn]] inline void Done() {
  Print("DONE ");
  PrintNumber(g_failures);
  Print("\n");
  board::Exit(g_failures == 0 ? 0 : 1);
}

}  // namespace kws::test
