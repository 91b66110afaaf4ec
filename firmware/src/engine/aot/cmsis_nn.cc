#include "engine/aot/cmsis_nn.h"

#include "arm_nnfunctions.h"

namespace kws::aot {
namespace {

struct Dims {
  cmsis_nn_dims input, filter, bias, output;
};

Dims MakeDims(const CmsisGeometry& g) {
  Dims dims = {};
  dims.input = {1, g.input.h, g.input.w, g.input.c};
  dims.filter = g.depth_multiplier == 0 ? cmsis_nn_dims{g.output.c, g.kernel.h, g.kernel.w, g.input.c}
                                        : cmsis_nn_dims{1, g.kernel.h, g.kernel.w, g.output.c};
  dims.bias = {1, 1, 1, g.output.c};
  dims.output = {1, g.output.h, g.output.w, g.output.c};
  return dims;
}

cmsis_nn_conv_params ConvParams(const CmsisGeometry& g, int32_t input_zero_point, OutputRange range) {
  cmsis_nn_conv_params params = {};
  params.input_offset = -input_zero_point;
  params.output_offset = range.zero_point;
  params.stride = {g.stride.w, g.stride.h};
  params.padding = {g.padding.w, g.padding.h};
  params.dilation = {g.dilation.w, g.dilation.h};
  params.activation = {range.min, range.max};
  return params;
}

cmsis_nn_dw_conv_params DepthwiseParams(const CmsisGeometry& g, int32_t input_zero_point, OutputRange range) {
  cmsis_nn_dw_conv_params params = {};
  params.input_offset = -input_zero_point;
  params.output_offset = range.zero_point;
  params.ch_mult = g.depth_multiplier;
  params.stride = {g.stride.w, g.stride.h};
  params.padding = {g.padding.w, g.padding.h};
  params.dilation = {g.dilation.w, g.dilation.h};
  params.activation = {range.min, range.max};
  return params;
}

// CMSIS-NN takes its constants through pointers to non-const and does not write through them.
cmsis_nn_per_channel_quant_params ChannelParams(const LinearTables& tables, int32_t outputs) {
  auto* table = const_cast<int32_t*>(tables.requantization);
  return {table + outputs, table + 2 * outputs};
}

Status ToStatus(arm_cmsis_nn_status status) { return status == ARM_CMSIS_NN_SUCCESS ? Status::kOk : Status::kInternal; }

}  // namespace

int32_t CmsisScratchBytes(const CmsisGeometry& geometry) {
  const Dims dims = MakeDims(geometry);
  if (geometry.depth_multiplier == 0) {
    const cmsis_nn_conv_params params = ConvParams(geometry, 0, {});
    return arm_convolve_wrapper_s8_get_buffer_size(&params, &dims.input, &dims.filter, &dims.output);
  }
  const cmsis_nn_dw_conv_params params = DepthwiseParams(geometry, 0, {});
  return arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &dims.input, &dims.filter, &dims.output);
}

Status CmsisConvolve(const CmsisGeometry& geometry, const LinearTables& tables, int32_t input_zero_point,
                     OutputRange range, const int8_t* input, int8_t* output, void* scratch, int32_t scratch_bytes) {
  const Dims dims = MakeDims(geometry);
  const cmsis_nn_context context = {scratch, scratch_bytes};
  const cmsis_nn_conv_params params = ConvParams(geometry, input_zero_point, range);
  const cmsis_nn_per_channel_quant_params channels = ChannelParams(tables, geometry.output.c);
  return ToStatus(arm_convolve_wrapper_s8(&context, &params, &channels, &dims.input, input, &dims.filter,
                                          tables.weights, &dims.bias, tables.requantization, &dims.output, output));
}

Status CmsisDepthwise(const CmsisGeometry& geometry, const LinearTables& tables, int32_t input_zero_point,
                      OutputRange range, const int8_t* input, int8_t* output, void* scratch, int32_t scratch_bytes) {
  const Dims dims = MakeDims(geometry);
  const cmsis_nn_context context = {scratch, scratch_bytes};
  const cmsis_nn_dw_conv_params params = DepthwiseParams(geometry, input_zero_point, range);
  const cmsis_nn_per_channel_quant_params channels = ChannelParams(tables, geometry.output.c);
  return ToStatus(arm_depthwise_conv_wrapper_s8(&context, &params, &channels, &dims.input, input, &dims.filter,
                                                tables.weights, &dims.bias, tables.requantization, &dims.output,
                                                output));
}

Status CmsisFullyConnected(const CmsisMatrix& matrix, const LinearTables& tables, int32_t input_zero_point,
                           OutputRange range, const int8_t* input, int8_t* output) {
  const cmsis_nn_context context = {nullptr, 0};
  cmsis_nn_fc_params params = {};
  params.input_offset = -input_zero_point;
  params.output_offset = range.zero_point;
  params.activation = {range.min, range.max};
  const cmsis_nn_per_tensor_quant_params tensor = {tables.requantization[matrix.outputs],
                                                   tables.requantization[2 * matrix.outputs]};
  const cmsis_nn_dims input_dims = {matrix.frames, 1, 1, matrix.inputs};
  const cmsis_nn_dims filter_dims = {matrix.inputs, 1, 1, matrix.outputs};
  const cmsis_nn_dims bias_dims = {1, 1, 1, matrix.outputs};
  const cmsis_nn_dims output_dims = {matrix.frames, 1, 1, matrix.outputs};
  return ToStatus(arm_fully_connected_s8(&context, &params, &tensor, &input_dims, input, &filter_dims, tables.weights,
                                         &bias_dims, tables.requantization, &output_dims, output));
}

}  // namespace kws::aot
