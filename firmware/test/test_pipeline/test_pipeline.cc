// PCM to detections on the board, against golden integers of the Python reference: every feature, score and state.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "../kws_test.h"
#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/detector.h"
#include "kws/engine.h"
#include "kws/frontend.h"
#include "model_info.h"
#include "vectors.h"

namespace kws {
namespace {

int16_t g_pcm[vectors::kSamples];
Frontend g_frontend;
Detector g_detector;

// Twin of make_pcm() in kws_firmware/make_test_vectors.py.
void MakePcm() {
  uint32_t state = vectors::kSeed;
  int32_t last = 0;
  int32_t before = 0;
  for (size_t n = 0; n < vectors::kSamples; ++n) {
    state = state * 1664525u + 1013904223u;
    const int32_t noise = static_cast<int32_t>(state >> 16) - 32768;
    const int32_t level = static_cast<int32_t>((n >> 9) & 7);
    int32_t value = ((29000 * last - 15500 * before) >> 14) + (noise >> (10 - level));
    if (value > 32767) value = 32767;
    if (value < -32768) value = -32768;
    before = last;
    last = value;
    g_pcm[n] = static_cast<int16_t>(value);
  }
}

struct Outcome {
  size_t steps = 0;
  size_t bad_features = 0;  // steps that differ
  size_t bad_scores = 0;
  size_t bad_detections = 0;
  size_t failed = 0;  // calls of the engine that returned an error
  uint32_t frontend_ticks = 0;
  uint32_t engine_ticks = 0;
  uint32_t detector_ticks = 0;
};

void CompareStep(const int8_t* features, Outcome* outcome) {
  if (outcome->steps >= vectors::kStepCount) {
    ++outcome->steps;
    return;
  }
  const vectors::Step& expected = vectors::kSteps[outcome->steps++];
  outcome->bad_features += Crc32(features, model::kStepFeatureCount) != expected.features_crc;
  int8_t scores[model::kLabelCount];
  uint32_t before = board::Ticks();
  outcome->failed += !IsOk(engine::Step(features, scores));
  outcome->engine_ticks += board::Ticks() - before;
  outcome->bad_scores += std::memcmp(scores, expected.scores, sizeof scores) != 0;
  Detection detection{};
  before = board::Ticks();
  const bool detected = g_detector.Step(scores, &detection);
  outcome->detector_ticks += board::Ticks() - before;
  outcome->bad_detections += (detected ? detection.label : -1) != expected.detected_label;
}

// Pushes the whole recording in pieces of `chunk` samples.
Outcome Run(size_t chunk) {
  Outcome outcome;
  g_frontend.Reset();
  engine::Reset();
  g_detector.Reset();
  int8_t features[model::kStepFeatureCount];
  size_t frames = 0;
  for (size_t start = 0; start < vectors::kSamples; start += chunk) {
    const int16_t* pcm = g_pcm + start;
    size_t left = vectors::kSamples - start < chunk ? vectors::kSamples - start : chunk;
    while (left > 0) {
      bool ready = false;
      const uint32_t before = board::Ticks();
      const size_t taken = g_frontend.Push(pcm, left, features + frames * model::kFeatureCount, &ready);
      outcome.frontend_ticks += board::Ticks() - before;
      pcm += taken;
      left -= taken;
      if (ready && ++frames == model::kFramesPerStep) {
        frames = 0;
        CompareStep(features, &outcome);
      }
    }
  }
  return outcome;
}

void CheckStates() {
  static int8_t block[512];
  size_t bad = 0;
  for (size_t state = 0; state < model::kStateCount; ++state) {
    uint32_t crc = 0;
    size_t offset = 0;
    for (size_t n; (n = engine::ReadState(state, offset, block, sizeof block)) > 0; offset += n) {
      crc = Crc32(block, n, crc);
    }
    bad += offset != model::kStates[state].size || crc != vectors::kStateCrcs[state];
  }
  test::CheckEqual("states_after_last_step", static_cast<int64_t>(bad), 0);
}

void NotePerStep(const char* name, uint32_t ticks, size_t steps) {
  test::Note(name, board::Clock().Units(ticks) / static_cast<int64_t>(steps));
}

}  // namespace

void app::OnFault(const FaultRecord& record) {
  test::Print("FAIL fault: ");
  test::Print(FaultTypeName(record.type));
  test::Print(" at ");
  test::PrintNumber(record.pc);
  test::Print("\n");
  board::Exit(1);
}

}  // namespace kws

int main() {
  using namespace kws;
  test::Print(board::Name());
  test::Print(" ");
  test::Print(engine::Name());
  test::Print("\n");
  static_assert(model::kLabelCount == vectors::kLabelCount && model::kStateCount == vectors::kStateCount,
                "The vectors belong to another model: python -m kws_firmware.make_test_vectors --overwrite");
  const bool same_model = std::strcmp(model::kModelSha256Hex, vectors::kModelSha256Hex) == 0;
  test::CheckTrue("vectors_belong_to_this_model_else_run_make_test_vectors", same_model);
  if (!same_model) test::Done();

  MakePcm();
  int8_t scores[model::kLabelCount];
  int8_t features[model::kStepFeatureCount] = {};
  test::CheckTrue("engine_step_before_init_refused", engine::Step(features, scores) == Status::kFailedPrecondition);
  test::CheckTrue("engine_init", IsOk(engine::Init()));

  board::PaintStack();
  for (const size_t chunk : {size_t{160}, size_t{37}, vectors::kSamples}) {
    const Outcome outcome = Run(chunk);
    test::CheckEqual("steps", static_cast<int64_t>(outcome.steps), static_cast<int64_t>(vectors::kStepCount));
    test::CheckEqual("features_of_all_steps", static_cast<int64_t>(outcome.bad_features), 0);
    test::CheckEqual("engine_ran", static_cast<int64_t>(outcome.failed), 0);
    test::CheckEqual("scores_of_all_steps", static_cast<int64_t>(outcome.bad_scores), 0);
    test::CheckEqual("detections_of_all_steps", static_cast<int64_t>(outcome.bad_detections), 0);
    CheckStates();
    if (chunk == 160) {
      NotePerStep("frontend_per_step", outcome.frontend_ticks, vectors::kStepCount);
      NotePerStep("engine_per_step", outcome.engine_ticks, vectors::kStepCount);
      NotePerStep("detector_per_step", outcome.detector_ticks, vectors::kStepCount);
    }
  }
  test::Note("stack_used_bytes", board::StackUsedBytes());
  test::CheckTrue("stack_guard_intact", board::StackGuardIntact());
  test::Done();
}
