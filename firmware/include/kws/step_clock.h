// The step clock: samples, frames and steps of a streaming model, converted in one place. Twin of StepClock in
// training/kws_reference/timing.py; tests compare the two.
#pragma once

#include <cstdint>

namespace kws {

// The time axis of a model, counted from its reset. The first frame takes a window of samples, each later one a hop;
// `frames_per_step` frames are a step, which is complete with the last sample that its last frame needs.
struct StepClock {
  uint32_t window_samples;
  uint32_t hop_samples;      // at least 1
  uint32_t frames_per_step;  // at least 1

  // Steps that are complete after `samples`; a remainder too short for a step waits for more.
  constexpr uint32_t StepsIn(uint32_t samples) const {
    if (samples < window_samples) return 0;
    return ((samples - window_samples) / hop_samples + 1) / frames_per_step;
  }

  // Samples with which step `step`, counted from 0, is complete.
  constexpr uint64_t EndSamples(uint32_t step) const {
    return window_samples + (frames_per_step * (uint64_t{step} + 1) - 1) * hop_samples;
  }
};

}  // namespace kws
