// What the programs of this folder share: they run on an emulated core, read a file IN of the host and write a file
// OUT, both by semihosting and named by the command line (NAME IN OUT). Include it once, and define Run().
#pragma once

#include "kws/board.h"
#include "kws/semihosting.h"

// Reads `in` to its end and writes to `out`; both are open.
kws::Status Run(kws::semihosting::File in, kws::semihosting::File out);

namespace kws::app {

// The board reports faults here; a test only needs the exit status.
void OnFault(const FaultRecord&) { semihosting::Exit(99); }

}  // namespace kws::app

// Returns what Run() or opening and closing the files says, 0 if all is well, or what is wrong with the command line.
int main() {
  namespace semihosting = kws::semihosting;
  const char* words[4] = {};
  size_t count = 0;
  if (!IsOk(semihosting::CommandWords(words, 4, &count))) return 90;
  if (count < 2 || count > 4) return 91;
  semihosting::File in, out;
  kws::Status status = semihosting::Open(words[count - 2], semihosting::Mode::kRead, &in);
  if (IsOk(status)) status = semihosting::Open(words[count - 1], semihosting::Mode::kWrite, &out);
  if (IsOk(status)) status = Run(in, out);
  if (IsOk(status)) status = semihosting::Close(&out);
  return static_cast<int>(status);
}
