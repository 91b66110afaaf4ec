// Rows and columns of a two-dimensional convolution, as its kernels copy them into working memory: what the kernel of
// one output covers, with the padding filled in. The padding is the input's zero point, so that folded biases hold.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/aot/copy.h"

namespace kws::aot {

// Shapes of a convolution with batch 1 over int8 [in_h][in_w][in_c].
struct PlaneGeometry {
  int in_h, in_w, in_c;
  int kernel_h, kernel_w;
  int out_h, out_w, out_c;
  int stride_h, stride_w;
  int pad_h, pad_w;  // rows above, columns to the left
  int dilation_h, dilation_w;
};

// Columns that a row of outputs covers, with their padding.
constexpr int PlaneColumns(const PlaneGeometry& g) {
  return (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1;
}

// Columns of the input among them.
constexpr int PlaneColumnsInside(const PlaneGeometry& g) {
  return PlaneColumns(g) - g.pad_w < g.in_w ? PlaneColumns(g) - g.pad_w : g.in_w;
}

namespace internal {

// Copies of a length that is known when compiling; what is left of 16 bytes becomes single loads and stores.
template <int kBytes>
inline void CopyRun(int8_t* to, const int8_t* from) {
  constexpr int kWhole = kBytes / 16 * 16;
  if constexpr (kWhole != 0) CopyBytes(to, from, kWhole);
  if constexpr (kBytes != kWhole) __builtin_memcpy(to + kWhole, from + kWhole, kBytes - kWhole);
}

// What one row of the kernel covers: int8 [kernel_w][in_c].
template <const PlaneGeometry& kG>
inline void CopyTaps(int8_t* to, const int8_t* from) {
  if constexpr (kG.dilation_w == 1) {
    CopyRun<kG.kernel_w * kG.in_c>(to, from);
  } else {
    for (int x = 0; x < kG.kernel_w; ++x) CopyRun<kG.in_c>(to + x * kG.in_c, from + x * kG.dilation_w * kG.in_c);
  }
}

}  // namespace internal

}  // namespace kws::aot
