#include "kws/detector.h"

#include <cstring>
#include <initializer_list>

#include "kws/posteriors.h"

namespace kws {

namespace config = detector_config;

static_assert(config::kLabelCount >= 1 && config::kLabelCount <= 255, "labels are counted in 8 bits");
static_assert(config::kRunSteps >= 1 && config::kRunSteps <= 255, "runs are counted in 8 bits");
static_assert(config::kSmoothingSteps >= 1 && config::kSmoothingSteps <= 255, "sums of Q15 posteriors need 32 bits");

static_assert(config::kRefractorySteps <= UINT16_MAX, "they are counted in 16 bits");

DetectorSettings DetectorSettings::Generated() {
  DetectorSettings settings{
      config::kSmoothingSteps, config::kRunSteps, config::kRefractorySteps, config::kQuietSteps, {}};
  for (size_t k = 0; k < Detector::kLabelCount; ++k) {
    settings.levels[k] = {config::kThresholdQ15[k], config::kBusyThresholdQ15[k], config::kQuietQ15[k],
                          config::kReleaseQ15[k]};
  }
  return settings;
}

bool Detector::Takes(const DetectorSettings& settings) {
  if (settings.smoothing_steps == 0 || settings.smoothing_steps > kMaxSmoothingSteps || settings.run_steps == 0) {
    return false;
  }
  for (const DetectorLevels& level : settings.levels) {
    for (const uint16_t value : {level.threshold_q15, level.busy_threshold_q15, level.quiet_q15, level.release_q15}) {
      if (value > DetectorLevels::kNeverQ15) return false;
    }
  }
  return true;
}

Status Detector::Configure(const DetectorSettings& settings) {
  if (!Takes(settings)) return Status::kInvalidArgument;
  settings_ = settings;
  Reset();
  return Status::kOk;
}

void Detector::Reset() {
  std::memset(ring_, 0, sizeof(ring_));
  std::memset(sum_, 0, sizeof(sum_));
  std::memset(held_, 0, sizeof(held_));
  step_ = 0;
  refractory_ = 0;
  row_ = 0;
  quiet_ = 0;
  top_label_ = 0;
  run_ = 0;
}

bool Detector::Step(const int8_t* scores, Detection* detection) {
  const Posteriors posteriors(scores);
  uint16_t* row = ring_[row_];
  int top = 0;
  const uint32_t steps = settings_.smoothing_steps;
  bool quiet = settings_.quiet_steps > 0;
  for (int k = 0; k < config::kLabelCount; ++k) {
    const uint16_t posterior_q15 = posteriors.PosteriorQ15(scores[k]);
    sum_[k] += posterior_q15;
    sum_[k] -= row[k];
    row[k] = posterior_q15;
    // floor(sum / steps) < release, without the division.
    const DetectorLevels& level = settings_.levels[k];
    if (held_[k] && sum_[k] < level.release_q15 * steps) held_[k] = false;
    if (sum_[k] >= level.quiet_q15 * steps) quiet = false;
    if (sum_[k] > sum_[top]) top = k;
  }
  if (quiet) quiet_ = settings_.quiet_steps;
  const uint16_t smoothed = smoothed_q15(top);
  const DetectorLevels& level = settings_.levels[top];
  const bool above = smoothed >= (quiet_ > 0 ? level.threshold_q15 : level.busy_threshold_q15);
  if (quiet_ > 0) --quiet_;
  if (!above || top != top_label_) run_ = 0;
  if (above && run_ < settings_.run_steps) ++run_;
  top_label_ = static_cast<uint8_t>(top);
  row_ = static_cast<uint16_t>(row_ + 1u == steps ? 0 : row_ + 1);

  const uint32_t step = step_++;
  if (refractory_ > 0) {
    --refractory_;
    return false;
  }
  if (run_ < settings_.run_steps || held_[top]) return false;
  held_[top] = true;
  refractory_ = settings_.refractory_steps;
  *detection = {step, top_label_, smoothed};
  return true;
}

}  // namespace kws
