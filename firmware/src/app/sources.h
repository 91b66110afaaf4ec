// Where PCM comes from: the host, until it chooses the microphone.
#pragma once

#include <cstdint>

#include "app/link_audio_source.h"
#include "app/microphone_source.h"
#include "kws/audio_source.h"
#include "kws/protocol.h"
#include "kws/status.h"

namespace kws::app {

// Main thread only.
class Sources {
 public:
  // Both must outlive it.
  Sources(LinkAudioSource& host, MicrophoneSource& microphone) : host_(host), microphone_(microphone) {}

  // Stops the present source and starts another. Where the microphone cannot be started the host remains; see
  // MicrophoneSource::Start().
  Status UseMicrophone(uint16_t gain_q8, bool remove_dc);
  void UseHost();

  // Forgets what the microphone recorded: it starts anew. The host's audio is FlowControl's.
  Status ForgetAudio();

  SourceKind kind() const { return kind_; }

  AudioSource& current();

  // Samples that the pipeline took from the microphone since it was started; 0 of the host's.
  uint32_t microphone_samples() const { return microphone_.read_samples(); }

 private:
  LinkAudioSource& host_;
  MicrophoneSource& microphone_;
  SourceKind kind_ = SourceKind::kHost;
};

}  // namespace kws::app
