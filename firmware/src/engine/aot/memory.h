// Memory that generated code lays out for the kernels.
#pragma once

#include <cstddef>

namespace kws::aot {

// Alignment of scratch blocks: words for SMLAD kernels, vectors for Helium.
constexpr size_t kAlignmentBytes = 16;

}  // namespace kws::aot
