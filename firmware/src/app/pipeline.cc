#include "app/pipeline.h"

#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/engine.h"

namespace kws::app {

static_assert(Frontend::kFeatureCount == model::kFeatureCount && Frontend::kWindowSamples == model::kWindowSamples &&
                  Frontend::kHopSamples == model::kHopSamples && Detector::kLabelCount == model::kLabelCount,
              "Regenerate: the generated files come from different bundles (kws-codegen generate)");

Status Pipeline::Init() {
  status_ = engine::Init();
  Reset();
  return status_;
}

void Pipeline::Reset() {
  if (!IsOk(status_)) return;
  frontend_.Reset();
  engine::Reset();
  detector_.Reset();
  frames_ = 0;
  audio_crc_ = 0;
  frontend_ticks_ = 0;
  totals_ = Totals{};
}

Status Pipeline::Push(const int16_t* pcm, size_t samples, StepFn on_step, void* context) {
  while (samples != 0 && IsOk(status_)) {
    bool frame_ready = false;
    const uint32_t start = board::Ticks();
    const size_t taken = frontend_.Push(pcm, samples, features_ + frames_ * model::kFeatureCount, &frame_ready);
    frontend_ticks_ += board::Ticks() - start;
    // The front end stops at the end of a frame, so that the CRC covers exactly what the step has heard.
    audio_crc_ = Crc32(pcm, 2 * taken, audio_crc_);
    pcm += taken;
    samples -= taken;
    if (!frame_ready || ++frames_ != model::kFramesPerStep) continue;
    frames_ = 0;
    status_ = RunStep(on_step, context);
  }
  return status_;
}

Status Pipeline::RunStep(StepFn on_step, void* context) {
  int8_t scores[model::kLabelCount];
  StepResult result{};
  const uint32_t start = board::Ticks();
  const Status status = engine::Step(features_, scores);
  const uint32_t middle = board::Ticks();
  if (!IsOk(status)) return status;
  Detection detection{};
  result.detected = detector_.Step(scores, &detection);
  result.detector_ticks = board::Ticks() - middle;
  result.engine_ticks = middle - start;
  result.frontend_ticks = frontend_ticks_;
  frontend_ticks_ = 0;
  totals_.frontend_ticks += result.frontend_ticks;
  totals_.engine_ticks += result.engine_ticks;
  totals_.detector_ticks += result.detector_ticks;
  result.step = totals_.steps++;
  result.audio_crc = audio_crc_;
  result.features = features_;
  result.scores = scores;
  result.top_label = static_cast<uint8_t>(detector_.top_label());
  result.top_smoothed_q15 = detector_.smoothed_q15(detector_.top_label());
  result.detected_label = detection.label;
  result.detected_smoothed_q15 = detection.smoothed_q15;
  on_step(context, result);
  return Status::kOk;
}

}  // namespace kws::app
