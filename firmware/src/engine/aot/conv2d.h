// Convolution over rows and columns: what the kernel of an output covers, its patch, is copied into one row, and
// the patches of three outputs go through the pointwise kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/aot/linear_tables.h"
#include "engine/aot/plane.h"
#include "engine/aot/pointwise.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Elements of a row of weights: whole words, the last filled with zeros.
constexpr int Conv2dInputs(const PlaneGeometry& g) { return (g.kernel_h * g.kernel_w * g.in_c + 3) / 4 * 4; }

// Outputs that are computed at once: three for SMLAD, two for Helium.
constexpr int kConv2dPatches = 3;

// Bytes of weights that Conv2d() reads.
constexpr size_t Conv2dWeightsBytes(const PlaneGeometry& g) { return PointwiseWeightsBytes(Conv2dInputs(g), g.out_c); }

// Bytes of the rows that a row of outputs covers, where their columns are padded.
constexpr size_t Conv2dBandBytes(const PlaneGeometry& g) {
  return PlaneColumns(g) > g.in_w ? static_cast<size_t>(g.kernel_h) * PlaneColumns(g) * g.in_c : 0;
}

// Bytes of scratch that Conv2d() needs, 4-byte aligned: the patches of three outputs, what the pointwise kernel needs,
// and padded rows.
constexpr size_t Conv2dScratchBytes(const PlaneGeometry& g) {
  return static_cast<size_t>(Conv2dInputs(g)) * kConv2dPatches +
         PointwiseScratchBytes(Conv2dInputs(g), kConv2dPatches) + Conv2dBandBytes(g);
}

namespace internal {

// The rows that output row y covers, in columns with padding: int8 [kernel_h][PlaneColumns()][in_c]. The borders of the
// columns are there already.
template <const PlaneGeometry& kG>
inline void CopyBand(const int8_t* input, int y, int8_t padding, int8_t* band) {
  constexpr int kBytes = PlaneColumnsInside(kG) * kG.in_c;
  int row = y * kG.stride_h - kG.pad_h;
  int8_t* to = band + kG.pad_w * kG.in_c;
  for (int ky = 0; ky < kG.kernel_h; ++ky, row += kG.dilation_h, to += PlaneColumns(kG) * kG.in_c) {
    if (row < 0 || row >= kG.in_h) {
      memset(to, padding, kBytes);
    } else {
      CopyRun<kBytes>(to, input + row * kG.in_w * kG.in_c);
    }
  }
}

// What the kernel of output x of a band's row covers: int8 [kernel_h][kernel_w][in_c].
template <const PlaneGeometry& kG>
inline void CopyPatchOfBand(const int8_t* band, int x, int8_t* to) {
  const int8_t* from = band + x * kG.stride_w * kG.in_c;
  for (int ky = 0; ky < kG.kernel_h; ++ky, to += kG.kernel_w * kG.in_c, from += PlaneColumns(kG) * kG.in_c) {
    CopyTaps<kG>(to, from);
  }
}

// The same for output (y, x) from the input, whose columns have no padding.
template <const PlaneGeometry& kG>
inline void CopyPatch(const int8_t* input, int y, int x, int8_t padding, int8_t* to) {
  const int8_t* column = input + x * kG.stride_w * kG.in_c;
  int row = y * kG.stride_h - kG.pad_h;
  for (int ky = 0; ky < kG.kernel_h; ++ky, to += kG.kernel_w * kG.in_c, row += kG.dilation_h) {
    if (row < 0 || row >= kG.in_h) {
      memset(to, padding, kG.kernel_w * kG.in_c);
    } else {
      CopyTaps<kG>(to, column + row * kG.in_w * kG.in_c);
    }
  }
}

}  // namespace internal

// output[y][x][o] = Requantize(sum over what the kernel covers + bias[o]), padding counts as the input's zero point
//   kGeometry: a constant of the generated code
//   tables: weights int8 [out_c][Conv2dInputs()], each row [kernel_h][kernel_w][in_c] and zeros
//   padding: the input's zero point, int8
//   output: int8 [out_h][out_w][out_c], not overlapping the input
//   scratch: Conv2dScratchBytes(kGeometry) bytes, 4-byte aligned
//   kPaired: the rows of weights lie in pairs (weight_rows.h)
template <const PlaneGeometry& kGeometry, Rounding kRounding, Clamping kClamping, bool kPaired = false>
void Conv2d(const LinearTables& tables, OutputRange range, int8_t padding, const int8_t* input, int8_t* output,
            void* scratch) {
  constexpr int kInputs = Conv2dInputs(kGeometry), kOutputs = kGeometry.out_c;
  constexpr int kPatch = kGeometry.kernel_h * kGeometry.kernel_w * kGeometry.in_c;
#if defined(KWS_AOT_MVE)
  constexpr int kAtOnce = 2;
#else
  constexpr int kAtOnce = kConv2dPatches;
#endif
  constexpr bool kPadded = Conv2dBandBytes(kGeometry) != 0;
  auto* patches = static_cast<int8_t*>(scratch);
  int8_t* work = patches + kConv2dPatches * kInputs;
  [[maybe_unused]] int8_t* band = work + PointwiseScratchBytes(kInputs, kConv2dPatches);
  if constexpr (kPatch != kInputs) memset(patches, 0, kAtOnce * kInputs);
  if constexpr (kPadded) memset(band, padding, Conv2dBandBytes(kGeometry));
  int waiting = 0;
  for (int y = 0; y < kGeometry.out_h; ++y) {
    if constexpr (kPadded) internal::CopyBand<kGeometry>(input, y, padding, band);
    for (int x = 0; x < kGeometry.out_w; ++x) {
      int8_t* patch = patches + waiting * kInputs;
      if constexpr (kPadded) {
        internal::CopyPatchOfBand<kGeometry>(band, x, patch);
      } else {
        internal::CopyPatch<kGeometry>(input, y, x, padding, patch);
      }
      if (++waiting == kAtOnce) {
        Pointwise<kInputs, kOutputs, kAtOnce, kRounding, kClamping, kPaired>(tables, range, patches, kInputs, output,
                                                                             work);
        output += kAtOnce * kOutputs;
        waiting = 0;
      }
    }
  }
  constexpr int kRest = kGeometry.out_h * kGeometry.out_w % kAtOnce;
  if constexpr (kRest != 0) {
    Pointwise<kInputs, kOutputs, kRest, kRounding, kClamping, kPaired>(tables, range, patches, kInputs, output, work);
  }
}

}  // namespace kws::aot
