// Answers the host's requests (host/PROTOCOL.md).
#pragma once

#include <cstdint>

#include "app/awake_time.h"
#include "app/detector_control.h"
#include "app/flow_control.h"
#include "app/pipeline.h"
#include "app/replies.h"
#include "app/reporter.h"
#include "app/sources.h"
#include "kws/frame.h"
#include "kws/link.h"
#include "kws/payload_reader.h"

namespace kws::app {

// The requests of one host. Main thread only.
class Requests {
 public:
  // What requests are about. All must outlive them.
  struct Parts {
    const Link& link;
    Replies& replies;
    Reporter& reporter;
    FlowControl& flow;
    Sources& sources;
    DetectorControl& detector;
    AwakeTime& awake;
    Pipeline& pipeline;
  };

  explicit Requests(const Parts& parts) : parts_(parts) {}

  // Answers a frame that has arrived.
  void Handle(const Frame& frame);

  // The firmware has started.
  void Restart();

  // Of the request that started the microphone.
  uint16_t source_seq() const { return source_seq_; }

 private:
  static constexpr uint32_t kNoSeq = 0x10000;  // no frame has it

  void ForgetAudio();
  void HandleReset(const Frame& frame);
  void HandleSetSource(const Frame& frame, PayloadReader& request);
  void HandleSetDetector(const Frame& frame, PayloadReader& request);
  void HandleGetDetector(const Frame& frame, PayloadReader& request);
  void SendDetector(uint16_t seq, uint8_t first_label);
  void HandleConfigure(const Frame& frame, PayloadReader& request);
  void HandleAudio(const Frame& frame, PayloadReader& request);
  void HandleBench(const Frame& frame, PayloadReader& request);
  void HandleFault(const Frame& frame);
  void HandleNames(const Frame& frame, PayloadReader& request);
  void SendInfo(uint16_t seq);
  void SendStats(uint16_t seq);
  void SendError(ErrorCode code, const Frame& frame, uint32_t detail);
  void SendBadPayload(const Frame& frame);
  void SendEngineError(const Frame& frame);

  Parts parts_;
  uint32_t last_seq_ = kNoSeq;  // of the request before, to count repetitions
  uint8_t last_type_ = 0;
  uint16_t source_seq_ = 0;
  uint32_t frames_repeated_ = 0;
};

}  // namespace kws::app
