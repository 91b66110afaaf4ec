// SVDF: each filter keeps its last dot products with the input, and a unit is what its filters give over time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/aot/copy.h"
#include "engine/aot/dot_rows.h"
#include "engine/aot/requantize.h"
#include "engine/aot/scale.h"

namespace kws::aot {

// The last kSteps values of each of kFilters filters, the newest one last. They slide through rows that are longer by
// kShifts - 1 values, and move back to their start only every kShifts steps.
template <typename T, int kFilters, int kSteps, int kShifts>
class SvdfMemory {
 public:
  using Value = T;
  static constexpr int kFilterCount = kFilters;
  static constexpr int kStepCount = kSteps;
  static constexpr int kRow = kSteps + kShifts - 1;
  static constexpr size_t kDataBytes = sizeof(T) * kFilters * kRow;

  // Sets every value to `value`.
  void Reset(int8_t value) {
    for (T& kept : data_) kept = value;
    first_ = 0;
  }

  // Drops the oldest value of each filter. Returns the first filter's values, kRow to those of the next; the last of
  // each is to be written.
  T* Shift() {
    if (++first_ == kShifts) {
      // All rows at once: what crosses from one to the next is not read before it is written again.
      constexpr int kBytes = (kFilters * kRow - kShifts) * static_cast<int>(sizeof(T));
      CopyBytes(reinterpret_cast<int8_t*>(data_), reinterpret_cast<const int8_t*>(data_ + kShifts), kBytes);
      first_ = 0;
    }
    return data_ + first_;
  }

  // Byte `offset` of the state in tensor order, [kFilters][kSteps], between steps.
  int8_t At(size_t offset) const {
    const size_t value = offset / sizeof(T);
    const T* kept = data_ + value / kSteps * kRow + static_cast<size_t>(first_) + value % kSteps;
    int8_t bytes[sizeof(T)];
    memcpy(bytes, kept, sizeof(T));
    return bytes[offset % sizeof(T)];
  }

 private:
  alignas(16) T data_[kFilters * kRow];
  int first_;
};

// Values of a table of biases: one for each filter and one for each unit.
constexpr size_t SvdfBiasCount(int filters, int rank) { return static_cast<size_t>(filters + filters / rank); }

template <typename T>
struct SvdfTables {
  const int8_t* weights;  // [filters][inputs]
  const T* time_weights;  // [filters][steps]
  const int32_t* bias;  // [filters]: the input's zero point; [units]: the bias, less the memory's zero point
};

struct SvdfParams {
  Factor to_memory;
  int32_t memory_zero_point;  // 0 of int16
  Factor to_output;
  int32_t zero_point;  // of the output
};

// A step.
//   kToMemory, kToOutput: how the two factors are applied
//   input: int8 [kInputs]
//   kPaired: the weights' rows lie in pairs (weight_rows.h)
//   output: int8 [filters / kRank]
//   scratch: DotRowsScratchBytes(kInputs) bytes, 4-byte aligned
template <int kInputs, int kRank, Rounding kToMemory, Rounding kToOutput, bool kPaired, typename Memory>
void Svdf(const SvdfTables<typename Memory::Value>& tables, const SvdfParams& params, const int8_t* input,
          Memory& memory, int8_t* output, void* scratch) {
  using T = typename Memory::Value;
  constexpr int kFilters = Memory::kFilterCount, kSteps = Memory::kStepCount;
  T* const oldest = memory.Shift();
  T* newest = oldest + kSteps - 1;
  const Scale<kToMemory> to_memory(params.to_memory);
  DotRows<kInputs, kFilters, kPaired>(tables.weights, tables.bias, input, scratch, [&](int, int32_t sum) {
    if constexpr (sizeof(T) == sizeof(int16_t)) {
      *newest = static_cast<T>(SaturateToInt16(to_memory(sum)));
    } else {
      *newest = ToInt8(to_memory(sum), params.memory_zero_point);
    }
    newest += Memory::kRow;
  });
  const T* kept = oldest;
  const T* weights = tables.time_weights;
  const int32_t* bias = tables.bias + kFilters;
  const Scale<kToOutput> to_output(params.to_output);
  const int32_t zero_point = params.zero_point;
  for (int unit = 0; unit < kFilters / kRank; ++unit) {
    int32_t sum = bias[unit];
    for (int filter = 0; filter < kRank; ++filter, kept += Memory::kRow, weights += kSteps) {
      sum = Dot<kSteps>(sum, kept, weights);
    }
    output[unit] = ToInt8(to_output(sum), zero_point);
  }
}

}  // namespace kws::aot
