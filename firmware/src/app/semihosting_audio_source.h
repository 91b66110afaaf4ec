// Audio from a file of the emulator's host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/audio_source.h"
#include "kws/semihosting.h"
#include "kws/status.h"

namespace kws::app {

// Reads `size` bytes of an open file. kDataLoss: it ends before; else what semihosting::Read() returns.
Status ReadExactly(semihosting::File file, uint8_t* out, size_t size);

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

}  // namespace kws::app
