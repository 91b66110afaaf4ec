// Front end -> engine -> detector: PCM in, one result per step out. The stages are wired here and know nothing of each
// other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/detector.h"
#include "kws/frontend.h"
#include "kws/status.h"
#include "model_info.h"

namespace kws::app {

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

// Owns front end and detector, and is the only caller of the engine, of which an image has one: so it has one pipeline.
// Place it in static memory. Main thread only.
class Pipeline {
 public:
  // Sums over the steps since Reset().
  struct Totals {
    uint32_t steps;
    uint64_t frontend_ticks;
    uint64_t engine_ticks;
    uint64_t detector_ticks;
  };

  // Prepares the engine and resets everything. Returns what engine::Init() returns.
  Status Init();

  // Forgets all audio. Nothing happens unless status() is kOk.
  void Reset();

  // Takes other settings of the detector from the next step on; it forgets the steps before. They outlast Reset().
  // Returns what Detector::Configure() returns.
  Status ConfigureDetector(const DetectorSettings& settings) { return detector_.Configure(settings); }

  const DetectorSettings& detector_settings() const { return detector_.settings(); }

  // Takes PCM in pieces of any size and calls `on_step` for each step that it completes. Returns status(); once it is
  // not kOk no more audio is taken, the rest of `pcm` is dropped.
  Status Push(const int16_t* pcm, size_t samples, StepFn on_step, void* context);

  // kOk; kFailedPrecondition: no Init(); else what engine::Init() or engine::Step() returned when it failed.
  Status status() const { return status_; }

  // Always the present sums, also while Push() runs.
  const Totals& totals() const { return totals_; }

 private:
  Status RunStep(StepFn on_step, void* context);

  Status status_ = Status::kFailedPrecondition;
  Frontend frontend_;
  Detector detector_;
  int8_t features_[model::kStepFeatureCount] = {};
  size_t frames_ = 0;  // complete in features_
  uint32_t audio_crc_ = 0;
  uint32_t frontend_ticks_ = 0;  // of the step under way
  Totals totals_ = {};
};

}  // namespace kws::app
