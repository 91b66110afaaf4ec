// Audio from the host: takes AUDIO in its order, and grants credit for what was consumed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/link_audio_source.h"
#include "app/replies.h"

namespace kws::app {

// Between the host, which streams, and the ring that the pipeline reads. Main thread only.
class FlowControl {
 public:
  // Both must outlive it.
  FlowControl(Replies& replies, LinkAudioSource& source) : replies_(replies), source_(source) {}

  // Since Restart(), as STATS has them.
  struct Counters {
    uint32_t gaps = 0;
    uint32_t overruns = 0;
    uint32_t repeated_bytes = 0;
  };

  // Takes what is new of PCM that starts at an even offset, of an even number of bytes. An error answers what starts
  // too late or does not fit, CREDIT what brings nothing new.
  void Take(uint16_t seq, uint32_t offset, const uint8_t* pcm, size_t size);

  // Grants credit if it is time.
  void Grant();

  // Sends CREDIT, or RESET_DONE.
  void SendCredit(MessageType type, uint16_t seq);

  // Forgets all audio.
  void ForgetAudio();

  // The firmware has started.
  void Restart();

  // Of the last AUDIO that was taken.
  uint16_t audio_seq() const { return audio_seq_; }

  const Counters& counters() const { return counters_; }

 private:
  Replies& replies_;
  LinkAudioSource& source_;
  Counters counters_;
  bool credit_is_due_ = false;
  uint16_t audio_seq_ = 0;
  uint32_t credit_limit_ = 0;
};

}  // namespace kws::app
