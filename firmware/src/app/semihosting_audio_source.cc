#include "app/semihosting_audio_source.h"

namespace kws::app {

Status ReadExactly(semihosting::File file, uint8_t* out, size_t size) {
  size_t count = 0;
  const Status status = semihosting::Read(file, out, size, &count);
  if (!IsOk(status)) return status;
  return count == size ? Status::kOk : Status::kDataLoss;
}

void SemihostingAudioSource::Begin(uint32_t samples) {
  samples_left_ = samples;
  status_ = Status::kOk;
}

size_t SemihostingAudioSource::DoRead(int16_t* out, size_t capacity_samples) {
  const size_t samples = samples_left_ < capacity_samples ? samples_left_ : capacity_samples;
  if (samples == 0) return 0;
  status_ = ReadExactly(file_, reinterpret_cast<uint8_t*>(out), 2 * samples);  // both sides are little-endian
  if (!IsOk(status_)) return 0;
  samples_left_ -= static_cast<uint32_t>(samples);
  return samples;
}

}  // namespace kws::app
