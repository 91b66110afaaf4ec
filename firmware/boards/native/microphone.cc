// The microphone of the development machine: the recording that the command line names (microphone_command.h), as
// fast as it is fetched. Its pace and jitter are not imitated, so nothing is lost.
#include "kws/microphone.h"

#include "recorded_microphone/microphone_command.h"

namespace kws::board::microphone {
namespace {

MicrophoneCommand g_recording;
semihosting::File g_file;
uint32_t g_loops;  // played so far

size_t ReadSome(int16_t* out, size_t capacity) {
  size_t bytes = 0;
  const size_t most = capacity < kMicrophoneBlockSamples ? capacity : kMicrophoneBlockSamples;
  if (!IsOk(semihosting::Read(g_file, reinterpret_cast<uint8_t*>(out), 2 * most, &bytes))) return 0;
  return bytes / 2;
}

}  // namespace

Status Start(uint32_t) {
  Stop();
  const Status status = ReadMicrophoneCommand(&g_recording);
  if (!IsOk(status)) return status;
  g_loops = 0;
  return IsOk(semihosting::Open(g_recording.file, semihosting::Mode::kRead, &g_file)) ? Status::kOk : Status::kDataLoss;
}

void Stop() { (void)semihosting::Close(&g_file); }

size_t Read(int16_t* out, size_t capacity) {
  if (g_file.handle < 0) return 0;
  const size_t count = ReadSome(out, capacity);
  if (count != 0) return count;
  Stop();
  if (++g_loops == g_recording.loops) return 0;
  (void)semihosting::Open(g_recording.file, semihosting::Mode::kRead, &g_file);
  return ReadSome(out, capacity);
}

bool HasSamples() { return g_file.handle >= 0; }

uint32_t LostSamples() { return 0; }

}  // namespace kws::board::microphone
