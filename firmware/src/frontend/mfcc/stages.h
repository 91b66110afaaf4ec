// The stages of one frame of MFCC and log-mel, in order; micro/stages.h has those of the other front end. Each is a
// pure function of its arguments and the generated tables. Those that a configuration does not have compile to nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "frontend_tables.h"

namespace kws::frontend {

using namespace frontend_tables;  // NOLINT: every stage is written in terms of the tables

#ifdef KWS_FRONTEND_PREEMPHASIS
// Takes a share of the sample before off each sample, rounded and saturated, as samples arrive.
//   pcm: [sample_count].
//   last: the sample before the first; 0 at the start.
//   out: [sample_count].
// Returns what `last` is for the samples behind.
int16_t Preemphasise(const int16_t* pcm, size_t sample_count, int16_t last, int16_t* out);
#endif

// Left shift, -6..9, that brings windowed samples (pcm times Q16 window) of a frame to within +-2^25.
//   pcm: [kWindowSamples].
int BlockShift(const int16_t* pcm);

// Windows, shifts, and computes the first stage of the complex transform (radix kFirstRadix, without twiddles).
//   pcm: [kFftSize] aligned to 4 bytes; those behind the window are read and multiplied by zero.
//   shift: from BlockShift().
//   out: [kFftPoints][re, im], in the order that TransformStages() expects.
void WindowAndFirstStage(const int16_t* pcm, int shift, int32_t* out);

// All further stages, radix 4, in place; the result is in natural order.
//   data: [kFftPoints][re, im]; |z| at most 2^27.5 (radix 4) or 2^26.5 (radix 2) on entry, 2^30.5 on return.
void TransformStages(int32_t* data);

// Spectrum of the real signal from the transform of its even and odd samples, in place: bins 1..kFftPoints - 1, times
// 2^-kScaleBits. Bin 0 is left as it is. Bins above kFftPoints / 2 are conjugated.
void RealSplit(int32_t* data);

// Magnitude, mel bands, logarithm.
//   spectrum: [kFftPoints][re, im] from RealSplit(); overwritten.
//   shift: from BlockShift().
//   log_mel: [kMelBands], log2 in Q10 minus kLogOffsetQ10; at least -kLogOffsetQ10 (one PCM step of DFT magnitude).
void LogMel(int32_t* spectrum, int shift, int16_t* log_mel);

#ifdef KWS_FRONTEND_LOG_MEL
// Normalisation to int8.
//   log_mel: [kMelBands] from LogMel().
//   features: [kMelBands].
void BandsToFeatures(const int16_t* log_mel, int8_t* features);
#else
// Discrete cosine transform and normalisation to int8.
//   log_mel: [kMelBands] from LogMel().
//   features: [kCoefficients].
void DctToFeatures(const int16_t* log_mel, int8_t* features);
#endif

}  // namespace kws::frontend
