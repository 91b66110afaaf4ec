// Settings of an emulated board: a file of the emulator's host, which the last two words of the command line name,
// "settings FILE". Without them, and on a chip that no debugger watches, nothing outlasts a start.
#include <cstring>

#include "kws/semihosting.h"
#include "kws/settings.h"

namespace kws::board {
namespace {

const char* g_file_name;  // read at the start: later an interrupt of the recorded microphone may need the host, too

const char* ReadFileName() {
  constexpr size_t kMaxWords = 16;
  const char* words[kMaxWords] = {};
  size_t count = 0;
  if (!IsOk(semihosting::CommandWords(words, kMaxWords, &count)) || count < 2 || count > kMaxWords) return nullptr;
  return std::strcmp(words[count - 2], "settings") == 0 ? words[count - 1] : nullptr;
}

}  // namespace

size_t LoadSettings(uint8_t* out, size_t capacity_bytes) {
  g_file_name = ReadFileName();
  semihosting::File file;
  if (g_file_name == nullptr || !IsOk(semihosting::Open(g_file_name, semihosting::Mode::kRead, &file))) return 0;
  size_t size = 0, more = 0;
  uint8_t beyond;
  const bool is_whole = IsOk(semihosting::Read(file, out, capacity_bytes, &size)) &&
                        IsOk(semihosting::Read(file, &beyond, 1, &more)) && more == 0;
  (void)semihosting::Close(&file);
  return is_whole ? size : 0;
}

Status SaveSettings(const uint8_t* data, size_t size) {
  semihosting::File file;
  if (g_file_name == nullptr) return Status::kUnavailable;
  if (!IsOk(semihosting::Open(g_file_name, semihosting::Mode::kWrite, &file))) return Status::kDataLoss;
  const Status written = size != 0 ? semihosting::Write(file, data, size) : Status::kOk;
  const Status closed = semihosting::Close(&file);
  return IsOk(written) && IsOk(closed) ? Status::kOk : Status::kDataLoss;
}

}  // namespace kws::board
