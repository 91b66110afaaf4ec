// Whole data sets without the serial port: recordings from a file of the emulator's host, results into another.
// host/PROTOCOL.md, "Bulk files", has the formats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/audio_source.h"
#include "kws/semihosting.h"
#include "kws/status.h"

namespace kws::app {

// PCM of one recording of an open file, read in blocks.
class SemihostingAudioSource final : public AudioSource {
 public:
  // `file` stays the caller's and must be open.
  explicit SemihostingAudioSource(semihosting::File file) : file_(file) {}

  // Starts the recording that the file stands at, `samples` long.
  void Begin(uint32_t samples);

  // kOk until a read failed or the file ended inside a recording (kDataLoss).
  Status status() const { return status_; }

 private:
  size_t DoRead(int16_t* out, size_t capacity_samples) override;

  semihosting::File file_;
  uint32_t samples_left_ = 0;
  Status status_ = Status::kOk;
};

// Reads `in`, writes `out`. Needs a successful pipeline::Init().
//   kOk; kInvalidArgument: a file cannot be opened or `in` is no bulk file; kDataLoss: `in` is cut off or `out` cannot
//   be written; else what the engine returned.
Status RunBulk(const char* in, const char* out);

// Runs the semihosting command line when it asks for something ("bulk IN OUT") and ends the program with status 0, or 1
// after an error (told on the emulator's standard error). Returns where there is no such command line.
void RunCommandLine(Status engine_status);

}  // namespace kws::app
