// A pipeline and an engine whose results Python works out in two lines (tests/integration/host/test_session.py): frame
// k's features are the last four samples of its window modulo 256, scores are running sums of them, label 1 is detected
// above 100.
#include <cstring>

#include "app/pipeline.h"
#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/engine.h"
#include "model_info.h"

namespace kws {

namespace model {
const uint8_t kModelSha256[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
const char* const kLabels[kLabelCount] = {"_silence_", "yes", "no"};
const StateInfo kStates[kStateCount] = {{"sum", 3, 0}, {"long", 200, 7}};
}  // namespace model

namespace {
int8_t g_sum[3];
uint32_t* g_layer_ticks;
}  // namespace

namespace engine {
const char* Name() { return "fake"; }
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

namespace app::pipeline {
namespace {
uint32_t g_samples, g_frames, g_crc;
int16_t g_last[4];
int8_t g_features[8];
Totals g_totals;
}  // namespace

Status Init() {
  Reset();
#ifdef FAKE_INIT_FAILS
  return Status::kOutOfRange;
#else
  return Status::kOk;
#endif
}

void Reset() {
  g_samples = g_frames = g_crc = 0;
  g_totals = Totals{};
  std::memset(g_sum, 0, sizeof(g_sum));
}

Status Push(const int16_t* pcm, size_t samples, StepFn on_step, void* context) {
  for (size_t i = 0; i < samples; ++i) {
    std::memmove(g_last, g_last + 1, sizeof(g_last) - sizeof(g_last[0]));
    g_last[3] = pcm[i];
    g_crc = Crc32(pcm + i, 2, g_crc);
    ++g_samples;
    if (g_samples < 480 || (g_samples - 480) % 160 != 0) continue;
    int8_t* frame = g_features + 4 * (g_frames++ % 2);
    for (int k = 0; k < 4; ++k) frame[k] = static_cast<int8_t>(g_last[k] & 0xFF);
    if (g_frames % 2 != 0) continue;
#ifdef FAKE_STEP_FAILS
    if (g_totals.steps == 3) return Status::kInternal;
#endif
    for (int k = 0; k < 3; ++k) g_sum[k] = static_cast<int8_t>(g_sum[k] + g_features[k] + g_features[4 + k]);
    if (g_layer_ticks != nullptr) g_layer_ticks[1] += 5;
    StepResult result{};
    result.step = g_totals.steps++;
    result.audio_crc = g_crc;
    result.frontend_ticks = 10;
    result.engine_ticks = 20;
    result.detector_ticks = 30;
    g_totals.frontend_ticks += 10;
    g_totals.engine_ticks += 20;
    g_totals.detector_ticks += 30;
    result.features = g_features;
    result.scores = g_sum;
    result.detected = g_sum[1] > 100;
    result.detected_label = 1;
    result.detected_smoothed_q15 = static_cast<uint16_t>(g_sum[1]);
    on_step(context, result);
  }
  return Status::kOk;
}

const Totals& totals() { return g_totals; }
uint32_t FrontendBytes() { return 100; }
uint32_t DetectorBytes() { return 20; }
}  // namespace app::pipeline

}  // namespace kws
