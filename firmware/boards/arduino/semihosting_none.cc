// A board without semihosting.
#include <cstddef>
#include <cstdint>

#include "kws/semihosting.h"

namespace kws::semihosting {

bool Available() { return false; }

Status CommandWords(const char**, size_t, size_t* count) {
  *count = 0;
  return Status::kUnavailable;
}

Status Open(const char*, Mode, File* file) {
  file->handle = -1;
  return Status::kUnavailable;
}

Status Read(File, uint8_t*, size_t, size_t* read) {
  *read = 0;
  return Status::kUnavailable;
}

Status Write(File, const uint8_t*, size_t) { return Status::kUnavailable; }

Status Close(File*) { return Status::kUnavailable; }

void WriteText(const char*) {}

void Exit(int) {}

}  // namespace kws::semihosting
