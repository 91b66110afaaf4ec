// Convolution over rows and columns: what an output's kernel covers is copied into one row, and the rows of three
// outputs go through the pointwise kernel.
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
constexpr int kConv2dRows = 3;

// Bytes of weights that Conv2d() reads.
constexpr size_t Conv2dWeightsBytes(const PlaneGeometry& g) { return PointwiseWeightsBytes(Conv2dInputs(g), g.out_c); }

// Bytes of scratch that Conv2d() needs, 4-byte aligned: the rows of three outputs, and what the pointwise kernel needs.
constexpr size_t Conv2dScratchBytes(const PlaneGeometry& g) {
  return static_cast<size_t>(Conv2dInputs(g)) * kConv2dRows + PointwiseScratchBytes(Conv2dInputs(g), kConv2dRows);
}

// output[y][x][o] = Requantize(sum over what the kernel covers + bias[o]), padding counts as the input's zero point
//   kGeometry: a constant of the generated code
//   tables: weights int8 [out_c][Conv2dInputs()], each row [kernel_h][kernel_w][in_c] and zeros
//   padding: the input's zero point, int8
//   output: int8 [out_h][out_w][out_c], not overlapping the input
//   scratch: Conv2dScratchBytes(kGeometry) bytes, 4-byte aligned
template <const PlaneGeometry& kGeometry, Rounding kRounding, Clamping kClamping>
void Conv2d(const LinearTables& tables, OutputRange range, int8_t padding, const int8_t* input, int8_t* output,
            void* scratch) {
  constexpr int kInputs = Conv2dInputs(kGeometry), kOutputs = kGeometry.out_c;
  constexpr int kPatch = kGeometry.kernel_h * kGeometry.kernel_w * kGeometry.in_c;
#if defined(KWS_AOT_MVE)
  constexpr int kAtOnce = 2;
#else
  constexpr int kAtOnce = kConv2dRows;
#endif
  auto* patches = static_cast<int8_t*>(scratch);
  int8_t* work = patches + kConv2dRows * kInputs;
  if constexpr (kPatch != kInputs) memset(patches, 0, kConv2dRows * kInputs);
  int waiting = 0;
  for (int y = 0; y < kGeometry.out_h; ++y) {
    for (int x = 0; x < kGeometry.out_w; ++x) {
      internal::GatherPatch<kGeometry>(input, y, x, padding, patches + waiting * kInputs);
      if (++waiting == kAtOnce) {
        Pointwise<kInputs, kOutputs, kAtOnce, kRounding, kClamping>(tables, range, patches, kInputs, output, work);
        output += kAtOnce * kOutputs;
        waiting = 0;
      }
    }
  }
  constexpr int kRest = kGeometry.out_h * kGeometry.out_w % kAtOnce;
  if constexpr (kRest != 0) {
    Pointwise<kInputs, kOutputs, kRest, kRounding, kClamping>(tables, range, patches, kInputs, output, work);
  }
}

}  // namespace kws::aot
