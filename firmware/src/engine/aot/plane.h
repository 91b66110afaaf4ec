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

namespace internal {

// Copies of a length that is known when compiling; what is left of 16 bytes becomes single loads and stores.
template <int kBytes>
inline void CopyRun(int8_t* to, const int8_t* from) {
  constexpr int kWhole = kBytes / 16 * 16;
  if constexpr (kWhole != 0) CopyBytes(to, from, kWhole);
  if constexpr (kBytes != kWhole) __builtin_memcpy(to + kWhole, from + kWhole, kBytes - kWhole);
}

// What the kernel of output (y, x) covers: int8 [kernel_h][kernel_w][in_c].
template <const PlaneGeometry& kG>
inline void GatherPatch(const int8_t* input, int y, int x, int8_t padding, int8_t* to) {
  constexpr int kRowBytes = kG.kernel_w * kG.in_c;
  const int left = x * kG.stride_w - kG.pad_w;
  const bool whole = kG.dilation_w == 1 && left >= 0 && left + kG.kernel_w <= kG.in_w;
  int row = y * kG.stride_h - kG.pad_h;
  for (int ky = 0; ky < kG.kernel_h; ++ky, row += kG.dilation_h, to += kRowBytes) {
    if (row < 0 || row >= kG.in_h) {
      memset(to, padding, kRowBytes);
    } else if (whole) {
      CopyRun<kRowBytes>(to, input + (row * kG.in_w + left) * kG.in_c);
    } else {
      int8_t* tap = to;
      int column = left;
      for (int kx = 0; kx < kG.kernel_w; ++kx, column += kG.dilation_w, tap += kG.in_c) {
        if (column < 0 || column >= kG.in_w) {
          memset(tap, padding, kG.in_c);
        } else {
          CopyRun<kG.in_c>(tap, input + (row * kG.in_w + column) * kG.in_c);
        }
      }
    }
  }
}

}  // namespace internal

}  // namespace kws::aot
