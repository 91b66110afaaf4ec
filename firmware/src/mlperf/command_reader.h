// Bytes of the serial port -> commands, as MLPerf Tiny's reference collects them (host/MLPERF.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::mlperf {

// Owns the command. Main thread only.
class CommandReader {
 public:
  static constexpr char kEnd = '%';
  // Further characters of a command are dropped: what is left of it is answered.
  static constexpr size_t kMaxChars = 80;

  // Takes one byte; line ends are skipped, so that a person may type them. Returns the command that the byte ended,
  // terminated by 0, or null. It holds until the next Push(), and the caller may write into it.
  char* Push(uint8_t byte);

 private:
  char text_[kMaxChars + 1];
  size_t size_ = 0;
};

}  // namespace kws::mlperf
