// Integer detector: int8 logits or probabilities -> posteriors -> moving average -> threshold, run, quiet, release and
// refractory period. Equal, integer for integer, to training/kws_reference/detector/integer.py. Tables, and the
// settings to begin with, come from the generated detector_config.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "detector_config.h"
#include "kws/status.h"

namespace kws {

// Of one label, Q15, 0 to kNeverQ15.
struct DetectorLevels {
  uint16_t threshold_q15;  // smoothed posterior that raises a detection if it was quiet just now
  uint16_t busy_threshold_q15;  // the same if it was not
  uint16_t quiet_q15;      // a step is quiet if every label's smoothed posterior is below this
  uint16_t release_q15;    // a detected label is held until its smoothed posterior is below this

  static constexpr uint16_t kNeverQ15 = 32768;  // more than any posterior
};

// What can change while the device runs.
struct DetectorSettings {
  uint8_t smoothing_steps;  // 1 to Detector::kMaxSmoothingSteps
  uint8_t run_steps;  // 1 to 255
  uint16_t refractory_steps;
  uint16_t quiet_steps;  // it was quiet just now if one of the last so many steps was; 0: never
  DetectorLevels levels[detector_config::kLabelCount];

  // Those of the bundle.
  static DetectorSettings Generated();
};

struct Detection {
  uint32_t step;  // steps since Reset(), from 0
  uint8_t label;  // index of the label
  uint16_t smoothed_q15;  // its smoothed posterior, 0..32767
};

// Owns its history, sizeof(Detector) bytes; place it in static memory. Not reentrant: one caller, main thread only.
class Detector {
 public:
  static constexpr size_t kLabelCount = detector_config::kLabelCount;
  // Room for smoothing that is tried out: as much as the bundle asks for, and 16 steps at least.
  static constexpr size_t kMaxSmoothingSteps =
      detector_config::kSmoothingSteps > 16 ? detector_config::kSmoothingSteps : 16;

  // Begins with the generated settings.
  Detector() { (void)Configure(DetectorSettings::Generated()); }

  // Whether every value of the settings is within its range.
  static bool Takes(const DetectorSettings& settings);

  // Takes other settings, and forgets all steps.
  //   kOk; kInvalidArgument: not Takes(); nothing has changed
  Status Configure(const DetectorSettings& settings);

  const DetectorSettings& settings() const { return settings_; }

  // Forgets all steps. The settings stay.
  void Reset();

  // Takes the scores of one step, int8[kLabelCount]. Returns whether they raise a detection; `detection` is written
  // only then. The largest label must have reached its threshold in run_steps steps in a row: threshold_q15, or
  // busy_threshold_q15 while none of the last quiet_steps steps was quiet. A label that was detected is held, and
  // raises nothing, until a step has its smoothed posterior below release_q15 (also one in which the refractory period
  // still runs).
  bool Step(const int8_t* scores, Detection* detection);

  // After a step: the label with the largest smoothed posterior (the first of equals), whether detected or not.
  size_t top_label() const { return top_label_; }

  // Smoothed posterior of `label` (< kLabelCount), Q15, 0..32767; 0 after Reset().
  uint16_t smoothed_q15(size_t label) const { return static_cast<uint16_t>(sum_[label] / settings_.smoothing_steps); }

 private:
  DetectorSettings settings_;
  uint16_t ring_[kMaxSmoothingSteps][detector_config::kLabelCount];  // Q15 posteriors; smoothing_steps rows in use
  uint32_t sum_[detector_config::kLabelCount];  // Q15, over the ring
  uint32_t step_;
  uint32_t refractory_;  // steps left in which no detection is raised
  uint16_t row_;  // of the ring, to be replaced next
  uint16_t quiet_;  // steps left for which it was quiet just now
  bool held_[detector_config::kLabelCount];  // detected, and not below its release since
  uint8_t top_label_;
  uint8_t run_;  // steps in a row, up to run_steps, in which top_label_ was the same and reached its threshold
};

}  // namespace kws
