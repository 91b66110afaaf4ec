// Sizes of the made-up detector (fake_model.cc): what codegen writes for a real one.
#pragma once

#include <cstddef>

namespace kws::detector_config {

constexpr size_t kLabelCount = 3;
constexpr size_t kSmoothingSteps = 1;

}  // namespace kws::detector_config
