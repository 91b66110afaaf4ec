// The words of a command, and the numbers among them.
#pragma once

#include <cstdint>

namespace kws::mlperf {

// Cuts a text into what stands between spaces, in place.
class Words {
 public:
  // `text` ends with 0, must outlive the words and is written to.
  explicit Words(char* text) : rest_(text) {}

  // The next word, terminated by 0, or null behind the last one.
  char* Next();

 private:
  char* rest_;
};

// The decimal number at the start of a word, with or without a sign; 0 where none is. One that does not fit 32 bits
// becomes the nearest that does.
int32_t ParseNumber(const char* word);

}  // namespace kws::mlperf
