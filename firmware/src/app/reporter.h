// Tells the host of each step: STEP, STATE_DIGEST, FRONTEND_DIGEST and DETECTION, and of the PCM, as CONFIGURE asks
// for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/detection_light.h"
#include "app/pipeline.h"
#include "app/replies.h"
#include "kws/frontend.h"
#include "kws/protocol.h"

namespace kws::app {

// The sink of the pipeline's steps. Main thread only.
class Reporter {
 public:
  // `replies` must outlive it.
  explicit Reporter(Replies& replies) : replies_(replies) {}

  // Whether the flags are known to this front end, and whether the engine offers what they ask for.
  static bool Knows(uint8_t flags);
  static bool Offers(uint8_t flags);

  // What steps tell from now on.
  void Configure(uint8_t flags);

  // Sends PCM that the pipeline takes next. `pcm` is little-endian, as every core is.
  void OnAudio(const int16_t* pcm, size_t samples);

  // Sends what a step computed.
  void OnStep(const StepResult& result);

  // All audio was forgotten: the layers' sums start anew.
  void ForgetAudio();

  // The firmware has started: counters too, and no flag is set.
  void Restart();

  // Since Restart().
  uint32_t steps() const { return steps_; }
  uint32_t detections() const { return detections_; }

  // Ticks of each layer since ForgetAudio(), modulo 2^32: [kMaxProfiledLayers], as they stand without kConfigProfile.
  const uint32_t* layer_ticks() const { return layer_ticks_; }

 private:
  void SendStep(const StepResult& result);
  void SendStateDigest(uint32_t step);
  void SendFrontendDigest(uint32_t step);

  Replies& replies_;
  uint8_t config_ = 0;
  uint32_t heard_samples_ = 0;  // since ForgetAudio()
  uint32_t steps_ = 0;
  uint32_t detections_ = 0;
  uint32_t layer_ticks_[kMaxProfiledLayers] = {};
  DetectionLight light_;
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
