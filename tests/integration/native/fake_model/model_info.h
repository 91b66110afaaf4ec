// A tiny model for tests of the session alone: what codegen writes for a real one. See fake_model.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/engine.h"

namespace kws::model {

constexpr char kName[] = "fake";
constexpr char kModelSha256Hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
extern const uint8_t kModelSha256[32];
constexpr size_t kLabelCount = 3;
extern const char* const kLabels[kLabelCount];
constexpr size_t kFeatureCount = 4;
constexpr size_t kFramesPerStep = 2;
constexpr size_t kStepFeatureCount = kFeatureCount * kFramesPerStep;
constexpr uint32_t kSampleRateHz = 16000;
constexpr uint32_t kWindowSamples = 480;
constexpr uint32_t kHopSamples = 160;
struct StateInfo {
  const char* name;
  uint32_t size;
  int8_t reset_value;
};
constexpr size_t kStateCount = 2;
extern const StateInfo kStates[kStateCount];

}  // namespace kws::model
