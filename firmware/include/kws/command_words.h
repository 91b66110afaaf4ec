// Words and numbers of a command line, see kws/semihosting.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws {

// Cuts a line, in place, at its spaces. Returns how many words there are; those beyond `capacity` are not in `words`.
inline size_t SplitWords(char* line, const char** words, size_t capacity) {
  size_t count = 0;
  for (bool in_word = false; *line != '\0'; ++line) {
    if (*line == ' ') {
      *line = '\0';
      in_word = false;
    } else if (!in_word) {
      if (count < capacity) words[count] = line;
      ++count;
      in_word = true;
    }
  }
  return count;
}

// Reads a whole word as a decimal number below 2^32. Returns false, and leaves `value` alone, where it is none.
inline bool ReadNumber(const char* word, uint32_t* value) {
  uint64_t number = 0;
  const char* at = word;
  for (; *at >= '0' && *at <= '9'; ++at) {
    number = 10 * number + static_cast<uint64_t>(*at - '0');
    if (number > UINT32_MAX) return false;
  }
  if (at == word || *at != '\0') return false;
  *value = static_cast<uint32_t>(number);
  return true;
}

}  // namespace kws
