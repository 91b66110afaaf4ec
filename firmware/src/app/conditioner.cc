#include "app/conditioner.h"

namespace kws::app {
namespace {

constexpr int kLevelShift = 9;  // the level follows within 2^9 samples: a high pass at 5 Hz for 16 kHz

}  // namespace

void Conditioner::Start(uint16_t gain_q8, bool remove_dc) {
  level_q14_ = 0;
  gain_q8_ = gain_q8;
  remove_dc_ = remove_dc;
}

void Conditioner::Run(int16_t* samples, size_t count) {
  if (!remove_dc_ && gain_q8_ == kUnityGainQ8) return;
  for (size_t i = 0; i < count; ++i) {
    int32_t value = samples[i];
    if (remove_dc_) {
      level_q14_ += (value * (1 << 14) - level_q14_) >> kLevelShift;
      value -= level_q14_ >> 14;
    }
    value = (value * gain_q8_ + 128) >> 8;
    samples[i] = static_cast<int16_t>(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
  }
}

}  // namespace kws::app
