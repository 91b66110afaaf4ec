// Front end -> engine -> detector: PCM in, one result per step out. The stages are wired here and know nothing of each
// other. One instance, in static memory. Main thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws::app::pipeline {

// What one step computed. Pointers hold during the callback only. Ticks are differences of board::Ticks().
struct StepResult {
  uint32_t step;       // since Reset(), from 0
  uint32_t audio_crc;  // CRC-32 of the little-endian PCM up to the end of the step's last window
  uint32_t frontend_ticks;  // of all frames of the step
  uint32_t engine_ticks;
  uint32_t detector_ticks;
  const int8_t* features;  // [kFramesPerStep][kFeatureCount]
  const int8_t* scores;    // [kLabelCount]
  uint8_t top_label;        // with the largest smoothed posterior, detected or not
  uint16_t top_smoothed_q15;  // 0..32767
  bool detected;
  uint8_t detected_label;  // this and the next: only when `detected`
  uint16_t detected_smoothed_q15;
};

// Takes a step as soon as it is computed. `context` is what Push() was given.
using StepFn = void (*)(void* context, const StepResult& result);

// Sums over the steps since Reset().
struct Totals {
  uint32_t steps;
  uint64_t frontend_ticks;
  uint64_t engine_ticks;
  uint64_t detector_ticks;
};

// Prepares the engine and resets everything. Returns what engine::Init() returns.
Status Init();

// Forgets all audio. Needs a successful Init().
void Reset();

// Takes PCM in pieces of any size and calls `on_step` for each step that it completes.
//   kOk; kFailedPrecondition: no successful Init(); else what engine::Step() returned (the rest of `pcm` is dropped).
Status Push(const int16_t* pcm, size_t samples, StepFn on_step, void* context);

// Always the present sums, also while Push() runs.
const Totals& totals();

// Static memory of two of the stages; engine::Buffers() has the third's.
uint32_t FrontendBytes();
uint32_t DetectorBytes();

}  // namespace kws::app::pipeline
