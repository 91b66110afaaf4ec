// Semihosting where the host is the machine that the firmware runs on: its files, by the system's own calls.
#include "kws/semihosting.h"

#include <fcntl.h>
#include <unistd.h>
#include <cstdio>
#include <cstring>

#include "kws/board.h"
#include "kws/command_words.h"
#include "native/command_line.h"

namespace kws::semihosting {
namespace {

const char* g_command_line;

}  // namespace

void SetCommandLine(const char* text) { g_command_line = text; }

bool Available() { return true; }

Status CommandWords(const char** words, size_t capacity, size_t* count) {
  static char line[kMaxCommandLineBytes + 1];
  const size_t size = g_command_line != nullptr ? std::strlen(g_command_line) : 0;
  *count = 0;
  if (size > kMaxCommandLineBytes) return Status::kOutOfRange;
  std::memcpy(line, size != 0 ? g_command_line : "", size + 1);
  *count = SplitWords(line, words, capacity);
  return Status::kOk;
}

Status Open(const char* path, Mode mode, File* file) {
  file->handle = open(path, mode == Mode::kRead ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0644);
  return file->handle >= 0 ? Status::kOk : Status::kInvalidArgument;
}

Status Read(File file, uint8_t* out, size_t size, size_t* read) {
  *read = 0;
  if (file.handle < 0) return Status::kFailedPrecondition;
  while (*read < size) {
    const ssize_t got = ::read(file.handle, out + *read, size - *read);
    if (got < 0) return Status::kDataLoss;
    if (got == 0) break;
    *read += static_cast<size_t>(got);
  }
  return Status::kOk;
}

Status Write(File file, const uint8_t* data, size_t size) {
  if (file.handle < 0) return Status::kFailedPrecondition;
  for (size_t done = 0; done < size;) {
    const ssize_t put = write(file.handle, data + done, size - done);
    if (put <= 0) return Status::kDataLoss;
    done += static_cast<size_t>(put);
  }
  return Status::kOk;
}

Status Close(File* file) {
  if (file->handle < 0) return Status::kFailedPrecondition;
  const int result = close(file->handle);
  file->handle = -1;
  return result == 0 ? Status::kOk : Status::kDataLoss;
}

void WriteText(const char* text) { std::fputs(text, stderr); }

void Exit(int code) { board::Exit(code); }

}  // namespace kws::semihosting
