#include "app/sources.h"

namespace kws::app {

Status Sources::UseMicrophone(uint16_t gain_q8, bool remove_dc) {
  const Status status = microphone_.Start(gain_q8, remove_dc);
  kind_ = IsOk(status) ? SourceKind::kMicrophone : SourceKind::kHost;
  return status;
}

Status Sources::ForgetAudio() {
  if (kind_ == SourceKind::kHost) return Status::kOk;
  const Status status = microphone_.Restart();
  if (!IsOk(status)) UseHost();
  return status;
}

void Sources::UseHost() {
  microphone_.Stop();
  kind_ = SourceKind::kHost;
}

AudioSource& Sources::current() {
  if (kind_ == SourceKind::kMicrophone) return microphone_;
  return host_;
}

}  // namespace kws::app
