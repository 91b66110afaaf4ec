// Asks CMSIS-NN for the scratch of geometries: reads records of 15 int32 from the file IN, writes one int32 each
// to OUT.
#include "engine/aot/cmsis_nn.h"
#include "file_runner.h"
#include "kws/semihosting.h"

namespace semihosting = kws::semihosting;
using kws::IsOk;
using kws::Status;

Status Run(semihosting::File in, semihosting::File out) {
  kws::aot::CmsisGeometry geometry;
  static_assert(sizeof geometry == 15 * sizeof(int32_t));
  for (;;) {
    size_t read = 0;
    const Status status = semihosting::Read(in, reinterpret_cast<uint8_t*>(&geometry), sizeof geometry, &read);
    if (!IsOk(status)) return status;
    if (read != sizeof geometry) return Status::kOk;
    const int32_t bytes = kws::aot::CmsisScratchBytes(geometry);
    const Status wrote = semihosting::Write(out, reinterpret_cast<const uint8_t*>(&bytes), sizeof bytes);
    if (!IsOk(wrote)) return wrote;
  }
}
