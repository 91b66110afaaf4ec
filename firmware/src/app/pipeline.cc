#include "app/pipeline.h"

#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/detector.h"
#include "kws/engine.h"
#include "kws/frontend.h"
#include "model_info.h"

namespace kws::app::pipeline {
namespace {

static_assert(Frontend::kFeatureCount == model::kFeatureCount && Frontend::kWindowSamples == model::kWindowSamples &&
                  Frontend::kHopSamples == model::kHopSamples && Detector::kLabelCount == model::kLabelCount,
              "Regenerate: the generated files come from different bundles (kws-codegen generate)");

Frontend g_frontend;
Detector g_detector;
bool g_ready;  // the engine's Init() succeeded
int8_t g_features[model::kStepFeatureCount];
size_t g_frames;  // complete in g_features
uint32_t g_audio_crc;
uint32_t g_frontend_ticks;  // of the step under way
Totals g_totals;

Status RunStep(StepFn on_step, void* context) {
  int8_t scores[model::kLabelCount];
  StepResult result{};
  const uint32_t start = board::Ticks();
  const Status status = engine::Step(g_features, scores);
  const uint32_t middle = board::Ticks();
  if (!IsOk(status)) return status;
  Detection detection{};
  result.detected = g_detector.Step(scores, &detection);
  result.detector_ticks = board::Ticks() - middle;
  result.engine_ticks = middle - start;
  result.frontend_ticks = g_frontend_ticks;
  g_frontend_ticks = 0;
  g_totals.frontend_ticks += result.frontend_ticks;
  g_totals.engine_ticks += result.engine_ticks;
  g_totals.detector_ticks += result.detector_ticks;
  result.step = g_totals.steps++;
  result.audio_crc = g_audio_crc;
  result.features = g_features;
  result.scores = scores;
  result.top_label = static_cast<uint8_t>(g_detector.top_label());
  result.top_smoothed_q15 = g_detector.smoothed_q15(g_detector.top_label());
  result.detected_label = detection.label;
  result.detected_smoothed_q15 = detection.smoothed_q15;
  on_step(context, result);
  return Status::kOk;
}

}  // namespace

Status Init() {
  const Status status = engine::Init();
  g_ready = IsOk(status);
  if (g_ready) Reset();
  return status;
}

void Reset() {
  g_frontend.Reset();
  engine::Reset();
  g_detector.Reset();
  g_frames = 0;
  g_audio_crc = 0;
  g_frontend_ticks = 0;
  g_totals = Totals{};
}

Status Push(const int16_t* pcm, size_t samples, StepFn on_step, void* context) {
  if (!g_ready) return Status::kFailedPrecondition;
  while (samples != 0) {
    bool frame_ready = false;
    const uint32_t start = board::Ticks();
    const size_t taken = g_frontend.Push(pcm, samples, g_features + g_frames * model::kFeatureCount, &frame_ready);
    g_frontend_ticks += board::Ticks() - start;
    // The front end stops at the end of a frame, so that the CRC covers exactly what the step has heard.
    g_audio_crc = Crc32(pcm, 2 * taken, g_audio_crc);
    pcm += taken;
    samples -= taken;
    if (!frame_ready || ++g_frames != model::kFramesPerStep) continue;
    g_frames = 0;
    const Status status = RunStep(on_step, context);
    if (!IsOk(status)) return status;
  }
  return Status::kOk;
}

const Totals& totals() { return g_totals; }

uint32_t FrontendBytes() { return sizeof(g_frontend); }

uint32_t DetectorBytes() { return sizeof(g_detector); }

}  // namespace kws::app::pipeline
