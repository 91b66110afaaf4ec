// Runs the front end on an emulated core: int16 PCM from the file IN; per frame the int8 features and the instructions
// that the frame's last Push() took (uint32) to the file OUT.
#include <cstring>

#include "file_runner.h"
#include "kws/board.h"
#include "kws/frontend.h"
#include "kws/semihosting.h"

namespace {

namespace board = kws::board;
namespace semihosting = kws::semihosting;
using kws::IsOk;
using kws::Status;

constexpr size_t kChunkSamples = kws::Frontend::kHopSamples;

kws::Frontend g_frontend;
alignas(4) uint8_t g_chunk[kChunkSamples * sizeof(int16_t)];

}  // namespace

Status Run(semihosting::File in, semihosting::File out) {
  const board::TickInfo clock = board::Clock();
  for (;;) {
    size_t bytes = 0;
    if (const Status status = semihosting::Read(in, g_chunk, sizeof g_chunk, &bytes); !IsOk(status)) return status;
    if (bytes == 0) break;
    const int16_t* pcm = reinterpret_cast<const int16_t*>(g_chunk);
    size_t count = bytes / sizeof(int16_t);
    while (count > 0) {
      int8_t features[kws::Frontend::kFeatureCount];
      bool ready = false;
      const uint32_t before = board::Ticks();
      const size_t taken = g_frontend.Push(pcm, count, features, &ready);
      const uint32_t ticks = board::Ticks() - before;
      pcm += taken;
      count -= taken;
      if (!ready) continue;
      const uint32_t units = clock.Units(ticks);
      uint8_t record[sizeof features + sizeof units];
      memcpy(record, features, sizeof features);
      memcpy(record + sizeof features, &units, sizeof units);
      if (const Status status = semihosting::Write(out, record, sizeof record); !IsOk(status)) return status;
    }
  }
  return Status::kOk;
}
