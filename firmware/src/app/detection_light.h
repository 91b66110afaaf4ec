// Keeps the board's light on for a while after a detection.
#pragma once

#include <cstdint>

#include "kws/board.h"

namespace kws::app {

// Main thread only.
class DetectionLight {
 public:
  static constexpr uint32_t kSteps = 25;  // half a second of the released model's steps

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
