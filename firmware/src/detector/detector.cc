#include "kws/detector.h"

#include <cstring>

#include "kws/posteriors.h"

namespace kws {

namespace config = detector_config;

static_assert(config::kLabelCount >= 1 && config::kLabelCount <= 255, "labels are counted in 8 bits");
static_assert(config::kRunSteps >= 1 && config::kRunSteps <= 255, "runs are counted in 8 bits");
static_assert(config::kSmoothingSteps >= 1 && config::kSmoothingSteps <= 255, "sums of Q15 posteriors need 32 bits");

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
  bool quiet = config::kQuietSteps > 0;
  for (int k = 0; k < config::kLabelCount; ++k) {
    const uint16_t posterior_q15 = posteriors.PosteriorQ15(scores[k]);
    sum_[k] += posterior_q15;
    sum_[k] -= row[k];
    row[k] = posterior_q15;
    // floor(sum / steps) < release, without the division.
    if (held_[k] && sum_[k] < uint32_t{config::kReleaseQ15[k]} * config::kSmoothingSteps) held_[k] = false;
    if (sum_[k] >= uint32_t{config::kQuietQ15[k]} * config::kSmoothingSteps) quiet = false;
    if (sum_[k] > sum_[top]) top = k;
  }
  if (quiet) quiet_ = config::kQuietSteps;
  const uint16_t smoothed = smoothed_q15(top);
  const bool above = smoothed >= (quiet_ > 0 ? config::kThresholdQ15[top] : config::kBusyThresholdQ15[top]);
  if (quiet_ > 0) --quiet_;
  if (!above || top != top_label_) run_ = 0;
  if (above && run_ < config::kRunSteps) ++run_;
  top_label_ = static_cast<uint8_t>(top);
  row_ = static_cast<uint16_t>(row_ + 1 == config::kSmoothingSteps ? 0 : row_ + 1);

  const uint32_t step = step_++;
  if (refractory_ > 0) {
    --refractory_;
    return false;
  }
  if (run_ < config::kRunSteps || held_[top]) return false;
  held_[top] = true;
  refractory_ = config::kRefractorySteps;
  *detection = {step, top_label_, smoothed};
  return true;
}

}  // namespace kws
