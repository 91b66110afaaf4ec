// CMSIS-NN's int8 kernels, for the shapes that the kit has no kernel of its own for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/linear_tables.h"
#include "engine/aot/requantize.h"
#include "kws/status.h"

namespace kws::aot {

struct CmsisShape {
  int32_t h, w, c;
};
struct CmsisTile {
  int32_t h, w;
};

// Shapes of a two-dimensional convolution with batch 1.
struct CmsisGeometry {
  CmsisShape input;
  CmsisTile kernel;
  CmsisShape output;
  CmsisTile stride;
  CmsisTile padding;  // rows above, columns to the left
  CmsisTile dilation;
  int32_t depth_multiplier;  // 0: a full convolution
};

struct CmsisMatrix {
  int32_t frames, inputs, outputs;
};

// Bytes of weights that a kernel reads.
constexpr size_t CmsisWeightsBytes(const CmsisGeometry& geometry) {
  const int32_t inputs = geometry.depth_multiplier == 0 ? geometry.input.c : 1;
  return static_cast<size_t>(geometry.kernel.h) * geometry.kernel.w * geometry.output.c * inputs;
}
constexpr size_t CmsisWeightsBytes(const CmsisMatrix& matrix) {
  return static_cast<size_t>(matrix.inputs) * matrix.outputs;
}

// Bytes of scratch that the kernel needs on this core: CMSIS-NN's own answer.
int32_t CmsisScratchBytes(const CmsisGeometry& geometry);

// The most that CMSIS-NN 4.0.0 answers on any core: plain C, DSP or Helium. The generator reserves as much.
constexpr int32_t CmsisMaxScratchBytes(const CmsisGeometry& geometry) {
  const bool dilated = geometry.dilation.h != 1 || geometry.dilation.w != 1;
  const bool padded = geometry.padding.h != 0 || geometry.padding.w != 0;
  const int32_t taps = geometry.kernel.h * geometry.kernel.w;
  const int32_t column = geometry.input.c * taps;
  if (geometry.depth_multiplier != 0) {
    if (geometry.depth_multiplier != 1 || dilated) return 0;  // arm_depthwise_conv_s8
    constexpr int32_t kChannelBlock = 124;  // CH_IN_BLOCK_MVE
    const int32_t helium = 4 * kChannelBlock * taps;
    return 2 * column > helium ? 2 * column : helium;
  }
  if (taps == 1 && !padded && !dilated) return 0;  // arm_convolve_1x1_s8 and its fast twin
  const bool one_row = geometry.input.h == 1 && geometry.kernel.h == 1 && geometry.dilation.w == 1;
  if (one_row && geometry.output.w % 4 == 0) return 4 * column;  // arm_convolve_1_x_n_s8: two int16 columns
  return 4 * ((column + 7) / 8 * 8);  // arm_convolve_s8: two int16 columns, or with Helium four int8 of whole vectors
}

// Convolution, depthwise convolution and fully connected layer on int8 [h][w][c].
//   tables: weights in TensorFlow Lite's order; requantization [3][outputs] = bias (nothing folded), multiplier Q31,
//           shift positive to the left
//   scratch: scratch_bytes bytes, 4-byte aligned, at least CmsisScratchBytes()
//   kOk
//   kInternal: CMSIS-NN refused its arguments
Status CmsisConvolve(const CmsisGeometry& geometry, const LinearTables& tables, int32_t input_zero_point,
                     OutputRange range, const int8_t* input, int8_t* output, void* scratch, int32_t scratch_bytes);
Status CmsisDepthwise(const CmsisGeometry& geometry, const LinearTables& tables, int32_t input_zero_point,
                      OutputRange range, const int8_t* input, int8_t* output, void* scratch, int32_t scratch_bytes);
Status CmsisFullyConnected(const CmsisMatrix& matrix, const LinearTables& tables, int32_t input_zero_point,
                           OutputRange range, const int8_t* input, int8_t* output);

}  // namespace kws::aot
