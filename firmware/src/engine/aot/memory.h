// Memory that generated code lays out for the kernels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::aot {

// Alignment of scratch blocks: words for SMLAD kernels, vectors for Helium.
constexpr size_t kAlignmentBytes = 16;

// Bytes of scratch memory or of a state that hold int16 elements: the generator lays them at even addresses.
inline int16_t* Int16(int8_t* bytes) { return reinterpret_cast<int16_t*>(bytes); }
inline const int16_t* Int16(const int8_t* bytes) { return reinterpret_cast<const int16_t*>(bytes); }

}  // namespace kws::aot
