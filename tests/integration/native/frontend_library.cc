// C interface to the front end and the detector for the tests (ctypes).
#include <cstddef>
#include <cstdint>

#include "kws/detector.h"
#include "kws/frontend.h"

namespace {
kws::Frontend g_frontend;
kws::Detector g_detector;
}  // namespace

extern "C" {

size_t frontend_bytes() { return sizeof(kws::Frontend); }
size_t frontend_feature_count() { return kws::Frontend::kFeatureCount; }
void frontend_reset() { g_frontend.Reset(); }

// Pushes everything; returns the number of frames written.
size_t frontend_push(const int16_t* pcm, size_t count, int8_t* features) {
  size_t frames = 0;
  while (count > 0) {
    bool ready;
    const size_t taken = g_frontend.Push(pcm, count, features + frames * kws::Frontend::kFeatureCount, &ready);
    pcm += taken;
    count -= taken;
    frames += ready;
  }
  return frames;
}

size_t detector_bytes() { return sizeof(kws::Detector); }
void detector_reset() { g_detector.Reset(); }

// numbers: smoothing, run, refractory and quiet steps, then threshold, busy threshold, quiet and release of each label.
// Returns whether they are taken.
int detector_configure(const uint16_t* numbers) {
  kws::DetectorSettings settings{
      static_cast<uint8_t>(numbers[0]), static_cast<uint8_t>(numbers[1]), numbers[2], numbers[3], {}};
  for (size_t k = 0; k < kws::Detector::kLabelCount; ++k) {
    const uint16_t* level = numbers + 4 + 4 * k;
    settings.levels[k] = {level[0], level[1], level[2], level[3]};
  }
  return kws::IsOk(g_detector.Configure(settings));
}
void detector_generated() { (void)g_detector.Configure(kws::DetectorSettings::Generated()); }

// out: {detected, step, label, smoothed of it, top label, smoothed of the top label}
void detector_step(const int8_t* scores, uint32_t* out) {
  kws::Detection detection = {};
  out[0] = g_detector.Step(scores, &detection);
  out[1] = detection.step;
  out[2] = detection.label;
  out[3] = detection.smoothed_q15;
  out[4] = static_cast<uint32_t>(g_detector.top_label());
  out[5] = g_detector.smoothed_q15(g_detector.top_label());
}

}  // extern "C"
