// Copies between tensors of any layout: joining, cutting, padding and transposing them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/aot/copy.h"

namespace kws::aot {

// Elements along one dimension, and how far apart they lie. Strides in elements.
struct MoveAxis {
  int32_t count;
  int32_t from_stride;
  int32_t to_stride;
};

constexpr int kMoveAxes = 5;

// Outermost dimension first; those that are not needed have a count of 1.
struct Movement {
  MoveAxis axes[kMoveAxes];
};

namespace internal {

template <int kAxis>
inline __attribute__((always_inline)) void MoveFrom(const Movement& movement, const int8_t* from, int8_t* to) {
  const MoveAxis axis = movement.axes[kAxis];
  if constexpr (kAxis + 1 == kMoveAxes) {
    if (axis.from_stride == 1 && axis.to_stride == 1) return CopyBytes(to, from, axis.count);
    for (int i = 0; i < axis.count; ++i) to[i * axis.to_stride] = from[i * axis.from_stride];
  } else {
    for (int i = 0; i < axis.count; ++i) {
      MoveFrom<kAxis + 1>(movement, from + i * axis.from_stride, to + i * axis.to_stride);
    }
  }
}

}  // namespace internal

// Sets `count` elements to `value`: the border of a padded tensor, before Move() writes the rest.
inline void Fill(int8_t* to, int count, int8_t value) { memset(to, value, static_cast<size_t>(count)); }

// Copies an element for each position of the axes. `from` and `to` are the first ones and do not overlap.
// Inlined, so that the constants of `movement` reach the loops.
inline __attribute__((always_inline)) void Move(const Movement& movement, const int8_t* from, int8_t* to) {
  internal::MoveFrom<0>(movement, from, to);
}

}  // namespace kws::aot
