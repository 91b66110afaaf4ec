// Depthwise convolution over rows and columns: the rows that one row of outputs covers are copied, column by column and
// with their padding, so that all taps of an output lie one behind the other for the kernel along time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/aot/depthwise.h"
#include "engine/aot/depthwise2d_dsp.h"
#include "engine/aot/linear_tables.h"
#include "engine/aot/plane.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Bytes of weights that Depthwise2d() reads.
constexpr size_t Depthwise2dWeightsBytes(const PlaneGeometry& g) {
  return DepthwiseWeightsBytes(g.in_c, g.kernel_h * g.kernel_w);
}

// Bytes of scratch that Depthwise2d() needs.
constexpr size_t Depthwise2dScratchBytes(const PlaneGeometry& g) {
  return static_cast<size_t>(PlaneColumns(g)) * g.kernel_h * g.in_c;
}

#if defined(KWS_AOT_DSP)

namespace internal {

// How the planes of SMLAD cores share the memory that the copied columns of the others take.
template <const PlaneGeometry& kGeometry>
constexpr PlaneWalk kPlaneWalk = PlanWalk(kGeometry, kGeometry.in_c % 4 == 0 ? Depthwise2dScratchBytes(kGeometry) : 0);

template <const PlaneGeometry& kGeometry, Rounding kRounding, Clamping kClamping>
inline void DepthwisePlanes(const LinearTables& tables, OutputRange range, int8_t padding, const int8_t* input,
                            int8_t* output, void* scratch) {
  constexpr const PlaneWalk& kPlan = kPlaneWalk<kGeometry>;
  auto* planes = static_cast<int16_t*>(scratch);
  // The padding is the same for all of them.
  FillLine<kPlan.size>(padding, planes);
  for (int c = 0; c < kGeometry.in_c; c += 4) {
    DepthwiseFourPlanes<kPlan, kRounding, kClamping>(tables.weights + c, tables.requantization + c, kGeometry.in_c,
                                                     range, padding, input + c, output + c, planes);
  }
}

}  // namespace internal

#endif  // KWS_AOT_DSP

// output[y][x][c] = Requantize(sum over what the kernel covers of channel c + bias[c]), padding counts as the input's
// zero point
//   kGeometry: a constant of the generated code; as many outputs as inputs; without a dilation along columns, or with
//              a kernel of one row
//   tables: weights int8 [kernel_w][kernel_h][in_c]
//   padding: the input's zero point, int8
//   output: int8 [out_h][out_w][in_c], not overlapping the input
//   scratch: Depthwise2dScratchBytes(kGeometry) bytes
template <const PlaneGeometry& kGeometry, Rounding kRounding, Clamping kClamping>
void Depthwise2d(const LinearTables& tables, OutputRange range, int8_t padding, const int8_t* input, int8_t* output,
                 void* scratch) {
#if defined(KWS_AOT_DSP)
  if constexpr (internal::kPlaneWalk<kGeometry>.chunk != 0) {
    internal::DepthwisePlanes<kGeometry, kRounding, kClamping>(tables, range, padding, input, output, scratch);
    return;
  }
#endif
  constexpr int kC = kGeometry.in_c, kTaps = kGeometry.kernel_h * kGeometry.kernel_w;
  constexpr int kColumnBytes = kGeometry.kernel_h * kC;
  constexpr int kColumns = PlaneColumns(kGeometry);
  constexpr int kInside = PlaneColumnsInside(kGeometry);
  constexpr int kTapStride = kGeometry.kernel_h == 1 ? kGeometry.dilation_w * kC : kC;
  static_assert(kGeometry.in_c == kGeometry.out_c && (kGeometry.kernel_h == 1 || kGeometry.dilation_w == 1));
  auto* columns = static_cast<int8_t*>(scratch);
  // The columns of the borders are the same for all rows.
  if constexpr (kInside != kColumns) memset(columns, padding, kColumns * kColumnBytes);
  int8_t* inside = columns + kGeometry.pad_w * kColumnBytes;
  for (int y = 0; y < kGeometry.out_h; ++y, output += kGeometry.out_w * kC) {
    int row = y * kGeometry.stride_h - kGeometry.pad_h;
    for (int ky = 0; ky < kGeometry.kernel_h; ++ky, row += kGeometry.dilation_h) {
      int8_t* to = inside + ky * kC;
      if (row < 0 || row >= kGeometry.in_h) {
        for (int x = 0; x < kInside; ++x, to += kColumnBytes) memset(to, padding, kC);
        continue;
      }
      const int8_t* from = input + row * kGeometry.in_w * kC;
      if constexpr (kGeometry.kernel_h == 1) {
        internal::CopyRun<kInside * kC>(to, from);
      } else {
        for (int x = 0; x < kInside; ++x, to += kColumnBytes, from += kC) internal::CopyRun<kC>(to, from);
      }
    }
    Depthwise<kC, kTaps, kTapStride, kGeometry.stride_w * kColumnBytes, kGeometry.out_w, kRounding, kClamping>(
        tables, range, columns, output);
  }
}

}  // namespace kws::aot
