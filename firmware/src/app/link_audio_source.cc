#include "app/link_audio_source.h"

namespace kws::app {

Status LinkAudioSource::Write(const uint8_t* pcm, size_t size_bytes) {
  if (size_bytes % 2 != 0) return Status::kInvalidArgument;
  if (size_bytes > kCapacityBytes - (written_ - read_)) return Status::kOutOfRange;
  for (size_t i = 0; i < size_bytes; ++i) ring_[(written_ + i) % kCapacityBytes] = pcm[i];
  written_ += static_cast<uint32_t>(size_bytes);
  return Status::kOk;
}

void LinkAudioSource::Clear() {
  written_ = 0;
  read_ = 0;
}

size_t LinkAudioSource::DoRead(int16_t* out, size_t capacity_samples) {
  const size_t available = (written_ - read_) / 2;
  const size_t samples = available < capacity_samples ? available : capacity_samples;
  for (size_t i = 0; i < samples; ++i, read_ += 2) {
    // Samples never straddle the ring's end: both positions stay even.
    const size_t at = read_ % kCapacityBytes;
    out[i] = static_cast<int16_t>(static_cast<uint16_t>(ring_[at] | (ring_[at + 1] << 8)));
  }
  return samples;
}

}  // namespace kws::app
