// CMSIS-NN's int8 kernels, for the shapes that the kit has no kernel of its own for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/pointwise.h"
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

// Bytes of working memory that the kernel needs on this core.
int32_t CmsisScratchBytes(const CmsisGeometry& geometry);

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
