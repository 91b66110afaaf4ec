// The kernels of engine aot behind a C interface, for ctypes: a few shapes of each template.
#include <cstdint>
#include <cstdlib>

#include "engine/aot/add.h"
#include "engine/aot/depthwise.h"
#include "engine/aot/depthwise_int4.h"
#include "engine/aot/elementwise.h"
#include "engine/aot/lookup.h"
#include "engine/aot/matmul.h"
#include "engine/aot/move.h"
#include "engine/aot/pointwise.h"
#include "engine/aot/pointwise_int4.h"
#include "engine/aot/pool.h"
#include "engine/aot/pool2d.h"
#include "engine/aot/reduce.h"
#include "engine/aot/softmax.h"

namespace {

using kws::aot::Clamping;
using kws::aot::LinearTables;
using kws::aot::OutputRange;
using kws::aot::Rounding;

alignas(16) int8_t g_scratch[4096];

struct Call {
  LinearTables tables;
  OutputRange range;
  bool fast;
  const int8_t* x;
  int stride;  // of Pointwise()
  int frames;  // 1..5
  int8_t* y;
  bool int4;
};

template <int kInputs, int kOutputs, int kFrames, Rounding kRounding, Clamping kClamping>
void PointwiseOf(const Call& c) {
  const auto kernel = c.int4 ? kws::aot::PointwiseInt4<kInputs, kOutputs, kFrames, kRounding, kClamping>
                             : kws::aot::Pointwise<kInputs, kOutputs, kFrames, kRounding, kClamping>;
  kernel(c.tables, c.range, c.x, c.stride, c.y, g_scratch);
}

template <int kInputs, int kOutputs, int kFrames>
int RunPointwise(const Call& c) {
  if (c.frames != kFrames) {
    if constexpr (kFrames > 1) return RunPointwise<kInputs, kOutputs, kFrames - 1>(c);
    return 1;
  }
  if (c.fast && c.range.IsFull()) {
    PointwiseOf<kInputs, kOutputs, kFrames, Rounding::kFast, Clamping::kInt8>(c);
  } else if (c.fast) {
    PointwiseOf<kInputs, kOutputs, kFrames, Rounding::kFast, Clamping::kRange>(c);
  } else {
    PointwiseOf<kInputs, kOutputs, kFrames, Rounding::kAny, Clamping::kRange>(c);
  }
  return 0;
}

template <int kChannels, int kTaps, int kTapStride, int kFrames, Rounding kRounding, Clamping kClamping>
void DepthwiseOf(const Call& c) {
  constexpr int kStride = kChannels;  // of frames
  const auto kernel =
      c.int4 ? kws::aot::DepthwiseInt4<kChannels, kTaps, kTapStride, kStride, kFrames, kRounding, kClamping>
             : kws::aot::Depthwise<kChannels, kTaps, kTapStride, kStride, kFrames, kRounding, kClamping>;
  kernel(c.tables, c.range, c.x, c.y);
}

template <int kChannels, int kTaps, int kTapStride, int kFrames>
int RunDepthwise(const Call& c) {
  if (c.frames != kFrames) {
    if constexpr (kFrames > 1) return RunDepthwise<kChannels, kTaps, kTapStride, kFrames - 1>(c);
    return 1;
  }
  if (c.fast && c.range.IsFull()) {
    DepthwiseOf<kChannels, kTaps, kTapStride, kFrames, Rounding::kFast, Clamping::kInt8>(c);
  } else if (c.fast) {
    DepthwiseOf<kChannels, kTaps, kTapStride, kFrames, Rounding::kFast, Clamping::kRange>(c);
  } else {
    DepthwiseOf<kChannels, kTaps, kTapStride, kFrames, Rounding::kAny, Clamping::kRange>(c);
  }
  return 0;
}

template <int kRows, int kChannels>
void RunRing(OutputRange range, int8_t reset, const int8_t* rows, int steps, int8_t* y, int8_t* state) {
  static kws::aot::PoolRing<kRows, kChannels> ring;
  ring.Reset(reset);
  for (int step = 0; step < steps; ++step) ring.Step(range, rows + step * kChannels, y + step * kChannels);
  for (int i = 0; i < kRows * kChannels; ++i) state[i] = ring.At(i);
}

}  // namespace

extern "C" {

int32_t kernel_requantize(int32_t value, int32_t multiplier, int32_t shift) {
  return kws::aot::Requantize(value, multiplier, shift);
}

int32_t kernel_requantize_fast(int32_t value, int32_t multiplier, int32_t right_shift_minus_1, int32_t zero_point,
                               int32_t low, int32_t high) {
  const OutputRange range = {zero_point, low, high};
  if (range.IsFull()) return kws::aot::RequantizeToInt8<Clamping::kInt8>(value, multiplier, right_shift_minus_1, range);
  return kws::aot::RequantizeToInt8<Clamping::kRange>(value, multiplier, right_shift_minus_1, range);
}

// parameters: zero point, multiplier, right shift of a, then of b; multiplier, right shift of the sum; range
void kernel_add(const int32_t* p, const int8_t* a, const int8_t* b, int32_t count, int8_t* y) {
  const kws::aot::AddParams params = {{p[0], p[1], p[2]}, {p[3], p[4], p[5]}, p[6], p[7], {p[8], p[9], p[10]}};
  kws::aot::Add(params, a, b, count, y);
}

void kernel_lookup(const int8_t* table, const int8_t* x, int count, int8_t* y) { kws::aot::Lookup(table, x, count, y); }

void kernel_softmax(const int32_t* exponentials, const int8_t* x, int rows, int depth, int8_t* y) {
  kws::aot::Softmax(exponentials, x, rows, depth, y);
}

// axes: [5][3] = count, stride of `from`, stride of `to`
void kernel_move(const int32_t* axes, const int8_t* from, int8_t* to) {
  kws::aot::Movement movement = {};
  for (int i = 0; i < kws::aot::kMoveAxes; ++i) movement.axes[i] = {axes[3 * i], axes[3 * i + 1], axes[3 * i + 2]};
  kws::aot::Move(movement, from, to);
}

// axes: [5][3] = count, stride of a, stride of b; parameters: zero points of a and b, factor above (of the product,
// of PRELU only also the one below), range
void kernel_elementwise(int prelu, const int32_t* p, const int32_t* axes, const int8_t* a, const int8_t* b, int8_t* y) {
  kws::aot::ElementwiseAxes all = {};
  for (int i = 0; i < kws::aot::kElementwiseAxes; ++i) all.axes[i] = {axes[3 * i], axes[3 * i + 1], axes[3 * i + 2]};
  const OutputRange range = {p[6], p[7], p[8]};
  if (prelu != 0) {
    kws::aot::Elementwise(kws::aot::Prelu{p[0], p[1], {p[2], p[3]}, {p[4], p[5]}, range}, all, a, b, y);
  } else {
    kws::aot::Elementwise(kws::aot::Product{p[0], p[1], {p[2], p[3]}, range}, all, a, b, y);
  }
}

// axes: [3 kept, 3 reduced][2] = count, stride; parameters: offset, factor, range
void kernel_reduce(const int32_t* axes, const int32_t* p, const int8_t* x, int8_t* y) {
  kws::aot::Reduction reduction = {{}, {}, p[0], {p[1], p[2]}, {p[3], p[4], p[5]}};
  for (int i = 0; i < kws::aot::kReduceAxes; ++i) {
    reduction.kept[i] = {axes[2 * i], axes[2 * i + 1]};
    reduction.reduced[i] = {axes[2 * (i + kws::aot::kReduceAxes)], axes[2 * (i + kws::aot::kReduceAxes) + 1]};
  }
  kws::aot::Reduce(reduction, x, y);
}

// stack, rows, depth, columns; a is [stack][rows][depth], b [depth][columns] for all of them;
// parameters: zero points of a and b, factor, range
void kernel_matmul(const int32_t* s, const int32_t* p, const int8_t* a, const int8_t* b, int8_t* y) {
  const kws::aot::MatmulParams params = {{{1, 0, 0}, {1, 0, 0}, {s[0], s[1] * s[2], 0}},
                                         s[1],
                                         s[2],
                                         s[3],
                                         {s[2], 1},
                                         {1, s[3]},
                                         p[0],
                                         p[1],
                                         {p[2], p[3]},
                                         {p[4], p[5], p[6]}};
  kws::aot::Matmul(params, a, b, y);
}

// geometry: as PoolGeometry
void kernel_pool_2d(int largest, const int32_t* g, const int8_t* x, int8_t* y) {
  const kws::aot::PoolGeometry geometry = {g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10]};
  if (largest != 0) return kws::aot::MaxPool2d(geometry, {0, -128, 127}, x, y);
  kws::aot::AveragePool2d(geometry, {0, -128, 127}, x, y);
}

// These return 0, or 1 when the shape was not compiled in. int4: the weights are packed.
int kernel_pointwise(int inputs, int outputs, const int8_t* weights, const int32_t* table, const int32_t* range,
                     int fast, const int8_t* x, int stride, int frames, int8_t* y, int int4) {
  const Call call = {{weights, table}, {range[0], range[1], range[2]}, fast != 0, x, stride, frames, y, int4 != 0};
  if (inputs == 40 && outputs == 8) return RunPointwise<40, 8, 5>(call);
  if (inputs == 64 && outputs == 6) return RunPointwise<64, 6, 5>(call);
  if (inputs == 7 && outputs == 5) return RunPointwise<7, 5, 5>(call);
  if (inputs == 4 && outputs == 1) return RunPointwise<4, 1, 5>(call);
  return 1;
}

int kernel_depthwise(int channels, int taps, int tap_stride, const int8_t* weights, const int32_t* table,
                     const int32_t* range, int fast, const int8_t* x, int frames, int8_t* y, int int4) {
  const Call call = {{weights, table}, {range[0], range[1], range[2]}, fast != 0, x, 0, frames, y, int4 != 0};
  if (channels == 8 && taps == 5 && tap_stride == 8) return RunDepthwise<8, 5, 8, 5>(call);
  if (channels == 8 && taps == 4 && tap_stride == 16) return RunDepthwise<8, 4, 16, 5>(call);
  if (channels == 5 && taps == 3 && tap_stride == 5) return RunDepthwise<5, 3, 5, 5>(call);
  if (channels == 12 && taps == 1 && tap_stride == 12) return RunDepthwise<12, 1, 12, 5>(call);
  return 1;
}

int kernel_average(int rows, const int32_t* range, const int8_t* x, int frames, int8_t* y) {
  const OutputRange r = {range[0], range[1], range[2]};
  if (rows == 2) return kws::aot::AveragePool<6, 2>(r, x, 6, frames, y), 0;
  if (rows == 3) return kws::aot::AveragePool<6, 3>(r, x, 6, frames, y), 0;
  if (rows == 49) return kws::aot::AveragePool<6, 49>(r, x, 6, frames, y), 0;
  return 1;
}

int kernel_ring(int rows, const int32_t* range, int8_t reset, const int8_t* x, int steps, int8_t* y, int8_t* state) {
  const OutputRange r = {range[0], range[1], range[2]};
  if (rows == 1) return RunRing<1, 6>(r, reset, x, steps, y, state), 0;
  if (rows == 48) return RunRing<48, 6>(r, reset, x, steps, y, state), 0;
  if (rows == 300) return RunRing<300, 6>(r, reset, x, steps, y, state), 0;
  return 1;
}

}  // extern "C"
