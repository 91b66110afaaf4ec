// Keeps the board's light on for a while after a detection.
#pragma once

#include <cstdint>

#include "kws/board.h"
#include "model_info.h"

namespace kws::app {

// Main thread only.
class DetectionLight {
 public:
  // Half a second of audio, rounded up.
  static constexpr uint32_t kStepSamples = model::kHopSamples * static_cast<uint32_t>(model::kFramesPerStep);
  static constexpr uint32_t kSteps = (model::kSampleRateHz / 2 + kStepSamples - 1) / kStepSamples;

  void OnStep(bool detected) {
    if (detected) {
      if (left_ == 0) board::ShowDetection(true);
      left_ = kSteps;
    } else if (left_ != 0) {
      --left_;
      if (left_ == 0) board::ShowDetection(false);
    }
  }

  // No step will follow for a while.
  void TurnOff() {
    if (left_ != 0) board::ShowDetection(false);
    left_ = 0;
  }

 private:
  uint32_t left_ = 0;
};

}  // namespace kws::app
