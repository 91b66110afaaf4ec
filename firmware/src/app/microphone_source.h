// Audio from the board's microphone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/conditioner.h"
#include "kws/audio_source.h"
#include "kws/status.h"

namespace kws::app {

class MicrophoneSource final : public AudioSource {
 public:
  // Starts the microphone, or starts it anew. Returns what board::microphone::Start() returns.
  Status Start(uint16_t gain_q8, bool remove_dc);

  // Starts it anew with the same gain.
  Status Restart();

  void Stop();

  // Samples read since it was started, modulo 2^32.
  uint32_t read_samples() const { return read_samples_; }

 private:
  size_t DoRead(int16_t* out, size_t capacity_samples) override;

  Conditioner conditioner_;
  uint16_t gain_q8_ = Conditioner::kUnityGainQ8;
  bool remove_dc_ = true;
  uint32_t read_samples_ = 0;
};

}  // namespace kws::app
