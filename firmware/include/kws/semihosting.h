// Files and command line of the machine that runs the emulator (or the debugger), by Arm semihosting.
//
// A breakpoint instruction that nobody catches stops a real chip, so boards call it only where they are built for an
// emulator or a debugger is seen attached (Available()). Otherwise every function returns Status::kUnavailable at once.
// One caller at a time: the main thread, or an interrupt while the main thread makes no call. All calls are
// synchronous: the core stands still while the host works, at no cost in instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws::semihosting {

enum class Mode : uint8_t { kRead, kWrite };  // kWrite creates or truncates

// An open file of the host. Closed by Close() only, not by its destructor.
struct File {
  int32_t handle = -1;  // -1: not open
};

// True when semihosting calls are answered: an emulated board, or hardware with a debugger attached.
bool Available();

// The words of the command line (QEMU: the `arg=` values of -semihosting-config; without one, the kernel's file name).
// They hold until the next call.
//   count: how many there are; those beyond `capacity` are not in `words`
//   kOk, kUnavailable
//   kOutOfRange     the line is longer than kMaxCommandLineBytes; there are no words
Status CommandWords(const char** words, size_t capacity, size_t* count);
inline constexpr size_t kMaxCommandLineBytes = 1023;

// Opens `path` of the host, relative to the emulator's working folder, as binary. `path` is at most 1,023 bytes.
//   kOk, kUnavailable
//   kInvalidArgument  the path is empty or too long, or the host cannot open it
Status Open(const char* path, Mode mode, File* file);

// Reads up to `size` bytes. `*read` is less than `size` only at the end of the file (0: nothing is left).
//   kOk, kUnavailable, kFailedPrecondition (not open), kDataLoss (the host reports an error)
Status Read(File file, uint8_t* out, size_t size, size_t* read);

// Writes all `size` bytes.
//   kOk, kUnavailable, kFailedPrecondition (not open), kDataLoss (the host could not write all, for example disk full)
Status Write(File file, const uint8_t* data, size_t size);

// Closes the file and sets `*file` to not open.
//   kOk, kUnavailable, kFailedPrecondition (not open), kDataLoss (the host reports an error)
Status Close(File* file);

// Text for the emulator's standard error. Nothing where unavailable.
void WriteText(const char* text);

// Stops the emulator with exit status `code`. Returns only where semihosting is unavailable.
void Exit(int code);

}  // namespace kws::semihosting
