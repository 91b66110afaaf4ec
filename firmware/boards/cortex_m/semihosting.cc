#include "kws/semihosting.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cortex_m/core.h"
#include "kws/command_words.h"

namespace kws::semihosting {
namespace {

// Operation numbers and reason codes of "Semihosting for AArch32 and AArch64", version 2.
enum Operation : uint32_t {
  kSysOpen = 0x01,
  kSysClose = 0x02,
  kSysWrite0 = 0x04,
  kSysWrite = 0x05,
  kSysRead = 0x06,
  kSysGetCmdline = 0x15,
  kSysExitExtended = 0x20,
};
constexpr uint32_t kApplicationExit = 0x20026;
constexpr uint32_t kModeReadBinary = 1;
constexpr uint32_t kModeWriteBinary = 5;
constexpr size_t kMaxPathBytes = 1023;

uint32_t Call(Operation operation, const void* parameters) {
  register uint32_t r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = parameters;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

uint32_t Address(const void* pointer) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pointer)); }

size_t BoundedLength(const char* text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length] != '\0') ++length;
  return length;
}

}  // namespace

bool Available() {
#if defined(KWS_SEMIHOSTING_BY_DEBUGGER)
  return true;  // the builder promises a debugger that answers
#else
  return board::IsEmulated();
#endif
}

Status CommandWords(const char** words, size_t capacity, size_t* count) {
  static char line[kMaxCommandLineBytes + 1];
  *count = 0;
  if (!Available()) return Status::kUnavailable;
  uint32_t block[2] = {Address(line), sizeof(line)};
  if (Call(kSysGetCmdline, block) != 0 || BoundedLength(line, sizeof(line)) == sizeof(line)) return Status::kOutOfRange;
  *count = SplitWords(line, words, capacity);
  return Status::kOk;
}

Status Open(const char* path, Mode mode, File* file) {
  file->handle = -1;
  if (!Available()) return Status::kUnavailable;
  const size_t length = BoundedLength(path, kMaxPathBytes + 1);
  if (length == 0 || length > kMaxPathBytes) return Status::kInvalidArgument;
  const uint32_t block[3] = {Address(path), mode == Mode::kRead ? kModeReadBinary : kModeWriteBinary,
                             static_cast<uint32_t>(length)};
  const auto handle = static_cast<int32_t>(Call(kSysOpen, block));
  if (handle < 0) return Status::kInvalidArgument;
  file->handle = handle;
  return Status::kOk;
}

Status Read(File file, uint8_t* out, size_t size, size_t* read) {
  *read = 0;
  if (!Available()) return Status::kUnavailable;
  if (file.handle < 0) return Status::kFailedPrecondition;
  while (*read < size) {
    const auto wanted = static_cast<uint32_t>(size - *read);
    const uint32_t block[3] = {static_cast<uint32_t>(file.handle), Address(out + *read), wanted};
    const uint32_t missing = Call(kSysRead, block);
    if (missing > wanted) return Status::kDataLoss;
    if (missing == wanted) break;  // end of the file
    *read += wanted - missing;
  }
  return Status::kOk;
}

Status Write(File file, const uint8_t* data, size_t size) {
  if (!Available()) return Status::kUnavailable;
  if (file.handle < 0) return Status::kFailedPrecondition;
  while (size > 0) {
    const uint32_t block[3] = {static_cast<uint32_t>(file.handle), Address(data), static_cast<uint32_t>(size)};
    const uint32_t missing = Call(kSysWrite, block);
    if (missing >= size) return Status::kDataLoss;  // no progress: an error, or a full disk
    data += size - missing;
    size = missing;
  }
  return Status::kOk;
}

Status Close(File* file) {
  if (!Available()) return Status::kUnavailable;
  if (file->handle < 0) return Status::kFailedPrecondition;
  const uint32_t block[1] = {static_cast<uint32_t>(file->handle)};
  file->handle = -1;
  return Call(kSysClose, block) == 0 ? Status::kOk : Status::kDataLoss;
}

void WriteText(const char* text) {
  if (Available()) (void)Call(kSysWrite0, text);
}

void Exit(int code) {
  if (!Available()) return;
  const uint32_t block[2] = {kApplicationExit, static_cast<uint32_t>(code)};
  (void)Call(kSysExitExtended, block);
}

}  // namespace kws::semihosting
