// Integer detector: int8 logits or probabilities -> posteriors -> moving average -> threshold, run, quiet, release and
// refractory period. Equal, integer for integer, to training/kws_reference/detector/integer.py. Constants come from the
// generated detector_config.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "detector_config.h"

namespace kws {

struct Detection {
  uint32_t step;  // steps since Reset(), from 0
  uint8_t label;  // index of the label
  uint16_t smoothed_q15;  // its smoothed posterior, 0..32767
};

// Owns its history, sizeof(Detector) bytes; place it in static memory. Not reentrant: one caller, main thread only.
class Detector {
 public:
  static constexpr size_t kLabelCount = detector_config::kLabelCount;

  Detector() { Reset(); }

  // Forgets all steps.
  void Reset();

  // Takes the scores of one step, int8[kLabelCount]. Returns whether they raise a detection; `detection` is written
  // only then. The largest label must have reached its threshold in kRunSteps steps in a row: kThresholdQ15, or
  // kBusyThresholdQ15 while none of the last kQuietSteps steps was quiet. A label that was detected is held, and raises
  // nothing, until a step has its smoothed posterior below kReleaseQ15 (also one in which the refractory period still
  // runs).
  bool Step(const int8_t* scores, Detection* detection);

  // After a step: the label with the largest smoothed posterior (the first of equals), whether detected or not.
  size_t top_label() const { return top_label_; }

  // Smoothed posterior of `label` (< kLabelCount), Q15, 0..32767; 0 after Reset().
  uint16_t smoothed_q15(size_t label) const {
    return static_cast<uint16_t>(sum_[label] / detector_config::kSmoothingSteps);
  }

 private:
  uint16_t ring_[detector_config::kSmoothingSteps][detector_config::kLabelCount];  // Q15 posteriors
  uint32_t sum_[detector_config::kLabelCount];  // Q15, over the ring
  uint32_t step_;
  uint32_t refractory_;  // steps left in which no detection is raised
  uint16_t row_;  // of the ring, to be replaced next
  uint16_t quiet_;  // steps left for which it was quiet just now
  bool held_[detector_config::kLabelCount];  // detected, and not below its release since
  uint8_t top_label_;
  uint8_t run_;  // steps in a row, up to kRunSteps, in which top_label_ was the same and reached its threshold
};

}  // namespace kws
