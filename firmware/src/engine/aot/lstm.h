// LSTM of one layer over the frames of a step: int8 frames and hidden state, int16 cell state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/copy.h"
#include "engine/aot/dot_rows.h"
#include "engine/aot/requantize.h"
#include "engine/aot/scale.h"

namespace kws::aot {

// Entries of the table of the logistic function: 1 / (1 + exp(-i / 24)), Q0.16.
constexpr size_t kLogisticEntries = 256;

// The gates, in the order of their weights.
enum LstmGate : uint8_t { kInputGate, kForgetGate, kCandidate, kOutputGate, kLstmGates };

// Bytes of weights: rows of all gates for the frame, then those for the hidden state.
constexpr size_t LstmWeightsBytes(int inputs, int units) {
  return static_cast<size_t>(kLstmGates) * units * (inputs + units);
}

// Bytes of scratch, aligned as int16: what the gates let through.
constexpr size_t LstmScratchBytes(int units) { return sizeof(int16_t) * kLstmGates * units; }

struct LstmTables {
  const int8_t* weights;  // [gates][units][inputs], then [gates][units][units]
  const int32_t* bias;  // [2][gates][units]: with the zero points of the frame, and of the hidden state
  const uint16_t* logistic;  // [kLogisticEntries]
};

struct LstmParams {
  Factor of_frame[kLstmGates];  // from dot products to a gate's argument, Q3.12
  Factor of_hidden[kLstmGates];
  Factor kept;  // from forget gate * cell state to cell state
  Factor added;  // from input gate * candidate to cell state
  Factor to_hidden;  // from output gate * tanh(cell state) to hidden state
  int32_t hidden_zero_point;
  int32_t tanh_multiplier;  // from cell state to the argument of tanh
  int32_t tanh_right_shift;
  int32_t cell_min;  // clip of the cell state
  int32_t cell_max;
};

namespace internal {

// 1 / (1 + exp(-x)), Q0.15, of an int16 x in Q3.12. The line between two entries of the table.
inline int16_t Logistic16(const uint16_t* table, int32_t x) {
  const int32_t argument = 3 * x;
  const auto magnitude = static_cast<uint32_t>(argument < 0 ? -argument : argument);
  const uint32_t index = magnitude >> 9;
  uint32_t result = uint32_t{0x7FFF} << 10;
  if (index < kLogisticEntries - 1) {
    const uint32_t low = table[index];
    result = (low << 9) + (magnitude & 0x1FF) * (table[index + 1] - low);
  }
  result = argument < 0 ? (uint32_t{1} << 25) - result + 0x1FF : result + 0x200;
  return static_cast<int16_t>(result >> 10);
}

// tanh(x), Q0.15, with x = value * multiplier / 2^right_shift in units of 1/3 Q3.12: twice a logistic function less
// one.
inline int16_t Tanh16(const uint16_t* table, int32_t value, int32_t multiplier, int32_t right_shift) {
  const int32_t half = right_shift > 0 ? int32_t{1} << (right_shift - 1) : 0;
  const int32_t argument = (value * multiplier + half) >> right_shift;
  const auto magnitude = static_cast<uint32_t>(argument < 0 ? -argument : argument);
  const uint32_t index = magnitude >> 8;
  int32_t result = 0xFFFF << 8;
  if (index < kLogisticEntries - 1) {
    const int32_t low = table[index];
    result = (low << 8) + static_cast<int32_t>(magnitude & 0xFF) * (table[index + 1] - low);
  }
  result -= 1 << 23;
  return static_cast<int16_t>((argument < 0 ? 0x7F - result : 0x80 + result) >> 8);
}

}  // namespace internal

// kSteps steps of the layer.
//   kOfSums: how the factors of dot products are applied; a product of a gate and a state always stays small
//   input: int8 [kSteps][kInputs]
//   hidden: int8 [kUnits], cell: int16 [kUnits], those of the last step; replaced by the new ones
//   output: int8 [kSteps][kUnits], the hidden state after each step; overlaps neither
//   scratch: LstmScratchBytes(kUnits) bytes
template <int kInputs, int kUnits, int kSteps, Rounding kOfSums>
void Lstm(const LstmTables& tables, const LstmParams& params, const int8_t* input, int8_t* hidden, void* cell_state,
          int8_t* output, void* scratch) {
  auto* cell = static_cast<int16_t*>(cell_state);
  auto* gates = static_cast<int16_t*>(scratch);
  const Scale<Rounding::kFast> kept(params.kept), added(params.added), to_hidden(params.to_hidden);
  for (int step = 0; step < kSteps; ++step, input += kInputs, output += kUnits) {
    for (int gate = 0; gate < kLstmGates; ++gate) {
      int16_t* values = gates + gate * kUnits;
      const Scale<kOfSums> of_frame(params.of_frame[gate]), of_hidden(params.of_hidden[gate]);
      const int8_t* weights = tables.weights + gate * kUnits * kInputs;
      DotRows<kInputs, kUnits>(weights, tables.bias + gate * kUnits, input, [&](int unit, int32_t sum) {
        values[unit] = static_cast<int16_t>(SaturateToInt16(of_frame(sum)));
      });
      weights = tables.weights + kLstmGates * kUnits * kInputs + gate * kUnits * kUnits;
      const int32_t* bias = tables.bias + (kLstmGates + gate) * kUnits;
      DotRows<kUnits, kUnits>(weights, bias, hidden, [&](int unit, int32_t sum) {
        const int32_t argument = SaturateToInt16(values[unit] + SaturateToInt16(of_hidden(sum)));
        values[unit] = gate == kCandidate ? internal::Tanh16(tables.logistic, argument, 3, 0)
                                          : internal::Logistic16(tables.logistic, argument);
      });
    }
    for (int unit = 0; unit < kUnits; ++unit) {
      const auto gated = [&](LstmGate gate, int32_t value) { return gates[gate * kUnits + unit] * value; };
      const int32_t old = SaturateToInt16(kept(gated(kForgetGate, cell[unit])));
      const int32_t more = SaturateToInt16(added(gated(kInputGate, gates[kCandidate * kUnits + unit])));
      const int32_t sum = Clamp(SaturateToInt16(old + more), params.cell_min, params.cell_max);
      cell[unit] = static_cast<int16_t>(sum);
      const int32_t squashed = internal::Tanh16(tables.logistic, sum, params.tanh_multiplier, params.tanh_right_shift);
      hidden[unit] = ToInt8(to_hidden(gated(kOutputGate, squashed)), params.hidden_zero_point);
    }
    CopyBytes(output, hidden, kUnits);
  }
}

}  // namespace kws::aot
