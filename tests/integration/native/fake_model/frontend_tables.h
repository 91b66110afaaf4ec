// In the place of kws-codegen's file: sizes of a front end that fake_model.cc does not have.
#pragma once

namespace kws::frontend_tables {

constexpr int kCoefficients = 40, kWindowSamples = 480, kHopSamples = 160, kFftSize = 512, kMelBands = 40;

}  // namespace kws::frontend_tables
