// A front end, an engine and a detector whose results Python works out in two lines (tests/integration/host/
// test_session.py): frame k's features are the last four samples of its window modulo 256, scores are running sums of
// them, label 1 is detected above 100.
#include <cstring>

#include "kws/detector.h"
#include "kws/engine.h"
#include "kws/frontend.h"
#include "model_info.h"

// Whether the engine fails: by the build, or as a fuzzed input wants it.
#ifdef FAKE_FAILS_AS_INPUT_WANTS
#include "fuzz_board.h"
#define FAKE_INIT_FAILS fuzz::InitFails()
#define FAKE_STEP_FAILS fuzz::StepFails()
#endif
#ifndef FAKE_INIT_FAILS
#define FAKE_INIT_FAILS false
#endif
#ifndef FAKE_STEP_FAILS
#define FAKE_STEP_FAILS false
#endif

namespace kws {

namespace model {
const uint8_t kModelSha256[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
const char* const kLabels[kLabelCount] = {"_silence_", "yes", "no"};
const StateInfo kStates[kStateCount] = {{"sum", 3, 0}, {"long", 200, 7}};
}  // namespace model

void Frontend::Reset() { sample_count_ = 0; }

size_t Frontend::Push(const int16_t* pcm, size_t sample_count, int8_t* features, bool* frame_ready) {
  size_t taken = 0;
  while (taken < sample_count && sample_count_ < kWindowSamples) pcm_[sample_count_++] = pcm[taken++];
  *frame_ready = sample_count_ == kWindowSamples;
  if (!*frame_ready) return taken;
  for (size_t k = 0; k < kFeatureCount; ++k) {
    features[k] = static_cast<int8_t>(pcm_[kWindowSamples - kFeatureCount + k] & 0xFF);
  }
  sample_count_ -= kHopSamples;
  std::memmove(pcm_, pcm_ + kHopSamples, sample_count_ * sizeof(pcm_[0]));
  return taken;
}

namespace engine {
namespace {
int8_t g_sum[3];
uint32_t g_steps;
uint32_t* g_layer_ticks;
}  // namespace

const char* Name() { return "fake"; }

Status Init() {
  Reset();
  return FAKE_INIT_FAILS ? Status::kOutOfRange : Status::kOk;
}

void Reset() {
  g_steps = 0;
  std::memset(g_sum, 0, sizeof(g_sum));
}

Status Step(const int8_t* features, int8_t* scores) {
  if (FAKE_STEP_FAILS && g_steps == 3) return Status::kInternal;
  ++g_steps;
  for (int k = 0; k < 3; ++k) g_sum[k] = static_cast<int8_t>(g_sum[k] + features[k] + features[4 + k]);
  if (g_layer_ticks != nullptr) g_layer_ticks[1] += 5;
  std::memcpy(scores, g_sum, sizeof(g_sum));
  return Status::kOk;
}

size_t ReadState(size_t state, size_t offset, int8_t* out, size_t n) {
  if (state >= 2) return 0;
  const size_t size = model::kStates[state].size;
  size_t count = 0;
  for (; count < n && offset + count < size; ++count) out[count] = state == 0 ? g_sum[offset + count] : int8_t{7};
  return count;
}

BufferSizes Buffers() { return {203, 50, 1000}; }
size_t LayerCount() { return 2; }
const char* LayerName(size_t layer) { return layer == 0 ? "first" : layer == 1 ? "second" : ""; }
void SetProfile(uint32_t* layer_ticks, uint32_t (*)()) { g_layer_ticks = layer_ticks; }
}  // namespace engine

DetectorSettings DetectorSettings::Generated() { return {1, 1, 0, 0, {}}; }

bool Detector::Takes(const DetectorSettings& settings) {
  return settings.smoothing_steps >= 1 && settings.smoothing_steps <= kMaxSmoothingSteps && settings.run_steps >= 1;
}

Status Detector::Configure(const DetectorSettings& settings) {
  if (!Takes(settings)) return Status::kInvalidArgument;
  settings_ = settings;
  Reset();
  return Status::kOk;
}

void Detector::Reset() {
  step_ = 0;
  top_label_ = 1;
  std::memset(sum_, 0, sizeof(sum_));
}

bool Detector::Step(const int8_t* scores, Detection* detection) {
  sum_[1] = scores[1] > 0 ? static_cast<uint32_t>(scores[1]) : 0;
  *detection = {step_++, 1, static_cast<uint16_t>(sum_[1])};
  return scores[1] > 100;
}

}  // namespace kws
