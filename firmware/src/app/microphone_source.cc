#include "app/microphone_source.h"

#include "kws/microphone.h"
#include "model_info.h"

namespace kws::app {

Status MicrophoneSource::Start(uint16_t gain_q8, bool remove_dc) {
  gain_q8_ = gain_q8;
  remove_dc_ = remove_dc;
  return Restart();
}

Status MicrophoneSource::Restart() {
  conditioner_.Start(gain_q8_, remove_dc_);
  read_samples_ = 0;
  return board::microphone::Start(model::kSampleRateHz);
}

void MicrophoneSource::Stop() {
  board::microphone::Stop();
  read_samples_ = 0;
}

size_t MicrophoneSource::DoRead(int16_t* out, size_t capacity_samples) {
  const size_t count = board::microphone::Read(out, capacity_samples);
  conditioner_.Run(out, count);
  read_samples_ += static_cast<uint32_t>(count);
  return count;
}

}  // namespace kws::app
