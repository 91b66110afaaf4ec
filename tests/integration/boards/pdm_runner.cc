// Runs the decimator of pulse density on an emulated core: words from the file IN, a millisecond at once; for each the
// 16 samples and the instructions that it took (uint32) to the file OUT.
#include <cstring>

#include "file_runner.h"
#include "kws/board.h"
#include "kws/semihosting.h"
#include "pdm/pdm_decimator.h"

namespace {

namespace board = kws::board;
namespace semihosting = kws::semihosting;
using kws::IsOk;
using kws::Status;

constexpr size_t kSamples = 16;

kws::pdm::PdmDecimator g_decimator;
alignas(4) uint8_t g_words[kSamples * kws::pdm::kWordsPerSample * sizeof(uint16_t)];

}  // namespace

Status Run(semihosting::File in, semihosting::File out) {
  const board::TickInfo clock = board::Clock();
  for (;;) {
    size_t bytes = 0;
    if (const Status status = semihosting::Read(in, g_words, sizeof g_words, &bytes); !IsOk(status)) return status;
    if (bytes < sizeof g_words) break;
    int16_t pcm[kSamples];
    const uint32_t before = board::Ticks();
    g_decimator.Run(reinterpret_cast<const uint16_t*>(g_words), kSamples, pcm);
    const uint32_t units = clock.Units(board::Ticks() - before);
    uint8_t record[sizeof pcm + sizeof units];
    memcpy(record, pcm, sizeof pcm);
    memcpy(record + sizeof pcm, &units, sizeof units);
    if (const Status status = semihosting::Write(out, record, sizeof record); !IsOk(status)) return status;
  }
  return Status::kOk;
}
