// The stages of one frame of the micro front end, in order. Each is a pure function of its arguments and the generated
// tables. They give the integers of TensorFlow's experimental microfrontend library, its overflows included.
#pragma once

#include <cstdint>

#include "frontend_tables.h"
#include "kws/frontend.h"

namespace kws::frontend::micro {

using namespace frontend_tables;  // NOLINT: every stage is written in terms of the tables

// Applies the window and stores points (two samples each, see packed.h) in base-4 digit-reversed order.
//   pcm: [kPaddedSamples] aligned to 4 bytes; those behind the window are zero.
//   points: [kFftPoints].
// Returns the left shift, 0..15, that brings the largest windowed sample to 15 bits.
int WindowReversed(const int16_t* pcm, uint32_t* points);

// Complex transform, times 1 / kFftPoints, in place: four stages of radix 4 in int16, which wraps. The result is in
// natural order.
//   points: [kFftPoints] from WindowReversed().
//   shift: from WindowReversed().
void TransformStages(uint32_t* points, int shift);

// Spectrum of the real signal from the transform of its even and odd samples, and its energies, in place.
//   points: [kFftPoints] from TransformStages(); on return element k is re * re + im * im of bin k, below 2^31, for k =
//   1
//     .. kFftPoints - 1. Element 0 is left as it is.
void SplitToEnergies(uint32_t* points);

#ifdef KWS_FRONTEND_MICRO
// Who looks at the values of the stages; without `on_value` nobody does.
struct Observer {
  MicroStageFn on_value = nullptr;
  void* context = nullptr;
};

// Bands, square root, noise reduction, gain control, logarithm, quantization.
//   energies: [kFftPoints] from SplitToEnergies().
//   shift: from WindowReversed().
//   noise: [kCoefficients] estimates with kSmoothingBits fractional bits, carried on in place.
//   features: [kCoefficients].
//   observer: is called for each energy, then for each channel's values.
void ChannelFeatures(const uint32_t* energies, int shift, uint32_t* noise, int8_t* features, const Observer& observer);
#endif

}  // namespace kws::frontend::micro
