// Asks CMSIS-NN for the working memory of geometries: reads records of 15 int32 from the file IN, writes one int32 each
// to OUT. Command line: cmsis_scratch_runner IN OUT. Both by semihosting.
#include <cstring>

#include "engine/aot/cmsis_nn.h"
#include "kws/board.h"
#include "kws/semihosting.h"

namespace kws::app {

void OnFault(const FaultRecord&) { semihosting::Exit(99); }

}  // namespace kws::app

namespace semihosting = kws::semihosting;

int main() {
  static char command[512];
  if (!IsOk(semihosting::CommandLine(command, sizeof command))) return 90;
  char* output = strrchr(command, ' ');
  if (output == nullptr) return 91;
  *output++ = '\0';
  const char* input = strrchr(command, ' ');
  semihosting::File in, out;
  if (!IsOk(semihosting::Open(input == nullptr ? command : input + 1, semihosting::Mode::kRead, &in))) return 92;
  if (!IsOk(semihosting::Open(output, semihosting::Mode::kWrite, &out))) return 93;
  kws::aot::CmsisGeometry geometry;
  static_assert(sizeof geometry == 15 * sizeof(int32_t));
  for (;;) {
    size_t read = 0;
    if (!IsOk(semihosting::Read(in, reinterpret_cast<uint8_t*>(&geometry), sizeof geometry, &read))) return 94;
    if (read != sizeof geometry) break;
    const int32_t bytes = kws::aot::CmsisScratchBytes(geometry);
    if (!IsOk(semihosting::Write(out, reinterpret_cast<const uint8_t*>(&bytes), sizeof bytes))) return 95;
  }
  return IsOk(semihosting::Close(&out)) ? 0 : 96;
}
