// Audio that the host streams over the link: a ring between the session, which fills it, and the pipeline.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/audio_source.h"
#include "kws/status.h"

namespace kws::app {

class LinkAudioSource final : public AudioSource {
 public:
  // Also the credit window: the host never has more PCM under way. 64 ms at 16 kHz.
  static constexpr size_t kCapacityBytes = 2048;

  // Appends little-endian PCM. kOutOfRange: it does not fit; nothing was taken. kInvalidArgument: half a sample.
  Status Write(const uint8_t* pcm, size_t size_bytes);

  // Drops everything.
  void Clear();

  // Bytes taken and bytes read since Clear(), modulo 2^32.
  uint32_t written_bytes() const { return written_; }
  uint32_t read_bytes() const { return read_; }

 private:
  size_t DoRead(int16_t* out, size_t capacity_samples) override;

  static_assert((kCapacityBytes & (kCapacityBytes - 1)) == 0, "positions wrap by masking");
  uint8_t ring_[kCapacityBytes];
  uint32_t written_ = 0;
  uint32_t read_ = 0;
};

}  // namespace kws::app
