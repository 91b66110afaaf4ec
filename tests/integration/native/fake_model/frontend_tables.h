// Sizes of the made-up front end (fake_model.cc): what codegen writes for a real one.
#pragma once

#include <cstddef>

namespace kws::frontend_tables {

constexpr size_t kWindowSamples = 480;
constexpr size_t kHopSamples = 160;
constexpr size_t kFftSize = kWindowSamples;
constexpr size_t kMelBands = 1;
constexpr size_t kCoefficients = 4;

}  // namespace kws::frontend_tables
