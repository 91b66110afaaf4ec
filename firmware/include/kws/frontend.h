// Integer front end: 16-bit PCM in, one int8 feature vector per hop out. Equal, bit for bit, to
// training/kws_reference/frontend on every core and compiler: to integer.py (MFCC, log-mel), or to micro.py where the
// generated frontend_tables.h defines KWS_FRONTEND_MICRO. The other one compiles to nothing.
//
// All parameters and tables come from frontend_tables.h. No heap, no floating point, no libm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "frontend_tables.h"

namespace kws {

#ifdef KWS_FRONTEND_MICRO
// Stages whose values can be looked at, in the order of computation: energies of the used bins; of each channel the
// magnitude, the noise estimate and what remains without noise, the same with its gain controlled, the logarithm.
enum class MicroStage : uint8_t { kSpectrum, kFilterBank, kNoiseReduction, kGainControl, kLogarithm };
constexpr size_t kMicroStages = 5;

// Takes one value of a stage. `context` is what Observe() was given.
using MicroStageFn = void (*)(void* context, MicroStage stage, uint32_t value);
#endif

// Owns the samples of one window and the scratch memory of its transform, sizeof(Frontend) bytes in all; place it in
// static memory. Not reentrant: one caller, main thread only.
class Frontend {
 public:
  static constexpr size_t kFeatureCount = frontend_tables::kCoefficients;  // int8 values of one frame
  static constexpr size_t kWindowSamples = frontend_tables::kWindowSamples;
  static constexpr size_t kHopSamples = frontend_tables::kHopSamples;

  Frontend() { Reset(); }

  // Forgets all samples, the one that preemphasis needs among them, and what the micro front end knows of the noise.
  // The next frame ends kWindowSamples samples from here.
  void Reset();

  // Takes samples until a frame is complete or none are left.
  //   pcm: [sample_count], int16; borrowed for the call. May be null when sample_count is 0.
  //   features: [kFeatureCount], written only when a frame was completed.
  //   frame_ready: set to whether it was.
  // Returns the number of samples taken, at least 1 unless sample_count is 0. Call again with the rest:
  //   while (count > 0) { size_t n = f.Push(pcm, count, out, &ready); pcm += n; count -= n; if (ready) Use(out); }
  size_t Push(const int16_t* pcm, size_t sample_count, int8_t* features, bool* frame_ready);

#ifdef KWS_FRONTEND_MICRO
  // Hands on what every stage computes, of all instances, from the next frame on; nullptr: of none.
  static void Observe(MicroStageFn on_value, void* context);
#endif

 private:
#ifdef KWS_FRONTEND_MICRO
  // The window reads kPaddedSamples samples; those behind it stay zero.
  alignas(16) int16_t pcm_[frontend_tables::kPaddedSamples];
  alignas(16) uint32_t spectrum_[frontend_tables::kFftPoints];
  uint32_t noise_[frontend_tables::kCoefficients];
#else
  // The transform reads kFftSize samples; those behind the window stay zero.
  alignas(16) int16_t pcm_[frontend_tables::kFftSize];
  alignas(16) int32_t spectrum_[frontend_tables::kFftSize];
  alignas(16) int16_t log_mel_[frontend_tables::kMelBands];
#endif
#ifdef KWS_FRONTEND_PREEMPHASIS
  int16_t last_sample_;  // as it came
#endif
  size_t sample_count_;
};

}  // namespace kws
