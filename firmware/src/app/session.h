// Answers the host's messages (host/PROTOCOL.md) and reports steps and detections. Main thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/link_audio_source.h"
#include "app/pipeline.h"
#include "kws/frontend.h"
#include "kws/link.h"
#include "kws/payload_reader.h"
#include "kws/protocol.h"
#include "kws/status.h"

namespace kws::app {

// The requests of one host. Place it in static memory.
class Session {
 public:
  // Both must outlive the session.
  Session(Link& link, LinkAudioSource& source) : link_(link), source_(source) {}

  // The firmware has started: resets everything and says HELLO. `engine_status` is what pipeline::Init() returned.
  void Start(Status engine_status);

  // Handles what has arrived. Never waits for more. Returns false when there was nothing.
  bool Poll();

  // Passes a piece of audio to the pipeline and grants credit for what was consumed. Returns false without audio.
  bool Process();

 private:
  static constexpr uint32_t kNoSeq = 0x10000;  // no frame has it

  // Since start-up, as STATS has them.
  struct Counters {
    uint32_t frames_repeated = 0;
    uint32_t errors_sent = 0;
    uint32_t audio_gaps = 0;
    uint32_t audio_overruns = 0;
    uint32_t audio_repeated_bytes = 0;
    uint32_t steps = 0;
    uint32_t detections = 0;
  };

  void Handle(const Frame& frame);
  void HandleAudio(const Frame& frame, PayloadReader& request);
  void HandleNames(const Frame& frame, PayloadReader& request);
  void SendInfo(uint16_t seq);
  void SendBench(uint16_t seq, uint16_t first_layer);
  void SendStats(uint16_t seq);
  void SendCredit(MessageType type, uint16_t seq);
  void SendError(ErrorCode code, const Frame& frame, uint32_t detail);
  void SendBadPayload(const Frame& frame);
  void SendEngineError(const Frame& frame);
  void ResetAudio();
  void Configure(uint8_t flags);
  void OnStep(const pipeline::StepResult& result);
  void Send();

  Link& link_;
  LinkAudioSource& source_;
  Status engine_status_ = Status::kFailedPrecondition;
  uint8_t config_ = 0;
  bool credit_is_due_ = false;
  uint16_t audio_seq_ = 0;
  uint32_t credit_limit_ = 0;
  uint32_t last_seq_ = kNoSeq;  // of the request before, to count repetitions
  uint8_t last_type_ = 0;
  Counters counters_;
  uint32_t layer_ticks_[kMaxProfiledLayers] = {};
#ifdef KWS_FRONTEND_MICRO
  // What the front end's stages compute in the step under way, and how long.
  struct FrontendDigest {
    uint32_t crcs[kMicroStages] = {};
    uint32_t ticks[kMicroStages] = {};
    uint32_t last = 0;  // since when the present stage runs
    static void Add(void* digest, MicroStage stage, const uint32_t* values, size_t count);
  };
  FrontendDigest frontend_digest_;
#endif
};

}  // namespace kws::app
