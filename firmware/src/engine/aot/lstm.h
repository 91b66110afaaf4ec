// LSTM of one layer over the frames of a step: int8 frames and hidden state, int16 cell state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aot/copy.h"
#include "engine/aot/dot_rows.h"
#include "engine/aot/requantize.h"
#include "engine/aot/scale.h"
#include "engine/aot/sigmoid_int16.h"
#include "engine/aot/weight_rows.h"

namespace kws::aot {

// The gates, in the order of their weights.
enum LstmGate : uint8_t { kInputGate, kForgetGate, kCandidate, kOutputGate, kLstmGates };

// Bytes of weights of all gates, for the frame, or for the hidden state.
constexpr size_t LstmWeightsBytes(int inputs, int units) { return static_cast<size_t>(kLstmGates) * units * inputs; }

// Bytes of scratch, 4-byte aligned: what the gates let through, then that of DotRows().
constexpr size_t LstmScratchBytes(int inputs, int units) {
  return sizeof(int16_t) * kLstmGates * units + DotRowsScratchBytes(inputs > units ? inputs : units);
}

// The rows of all gates as this core multiplies them. A pair does not cross from one gate to the next.
template <int kInputs, int kUnits, const auto& kRows>
struct LstmRows {
  using AllGates = WeightRows<kInputs, kLstmGates * kUnits, kRows>;
  static constexpr bool kPaired = kUnits % 2 == 0 && AllGates::kPaired;

  static constexpr const int8_t* Data() {
    if constexpr (kPaired) {
      return AllGates::Data();
    } else {
      return kRows;
    }
  }
};

struct LstmTables {
  const int8_t* frame_weights;  // [gates][units][inputs]
  const int8_t* hidden_weights;  // [gates][units][units]
  const int32_t* bias;  // [2][gates][units]: with the zero points of the frame, and of the hidden state
  const uint16_t* sigmoid;  // [kSigmoidEntries]
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

// kSteps steps of the layer.
//   kFramePaired, kHiddenPaired: the weights' rows lie in pairs (LstmRows)
//   kOfSums: how the factors of dot products are applied; a product of a gate and a state always stays small
//   input: int8 [kSteps][kInputs]
//   hidden: int8 [kUnits], cell: int16 [kUnits], those of the last step; replaced by the new ones
//   output: int8 [kSteps][kUnits], the hidden state after each step; overlaps neither
//   scratch: LstmScratchBytes(kInputs, kUnits) bytes, 4-byte aligned
template <int kInputs, int kUnits, int kSteps, Rounding kOfSums, bool kFramePaired, bool kHiddenPaired>
void Lstm(const LstmTables& tables, const LstmParams& params, const int8_t* input, int8_t* hidden, void* cell_state,
          int8_t* output, void* scratch) {
  auto* cell = static_cast<int16_t*>(cell_state);
  auto* gates = static_cast<int16_t*>(scratch);
  int16_t* const expanded = gates + kLstmGates * kUnits;
  const Scale<Rounding::kFast> kept(params.kept), added(params.added), to_hidden(params.to_hidden);
  for (int step = 0; step < kSteps; ++step, input += kInputs, output += kUnits) {
    for (int gate = 0; gate < kLstmGates; ++gate) {
      int16_t* values = gates + gate * kUnits;
      const Scale<kOfSums> of_frame(params.of_frame[gate]), of_hidden(params.of_hidden[gate]);
      const int8_t* weights = tables.frame_weights + gate * kUnits * kInputs;
      const int32_t* bias = tables.bias + gate * kUnits;
      DotRows<kInputs, kUnits, kFramePaired>(weights, bias, input, expanded, [&](int unit, int32_t sum) {
        values[unit] = static_cast<int16_t>(SaturateToInt16(of_frame(sum)));
      });
      weights = tables.hidden_weights + gate * kUnits * kUnits;
      bias += kLstmGates * kUnits;
      DotRows<kUnits, kUnits, kHiddenPaired>(weights, bias, hidden, expanded, [&](int unit, int32_t sum) {
        values[unit] = static_cast<int16_t>(SaturateToInt16(values[unit] + SaturateToInt16(of_hidden(sum))));
      });
      const SigmoidInt16Params gated{tables.sigmoid, 3, 0};
      if (gate == kCandidate) {
        TanhInt16(gated, values, kUnits, values);
      } else {
        LogisticInt16(gated, values, kUnits, values);
      }
    }
    int16_t* const candidate = gates + kCandidate * kUnits;
    for (int unit = 0; unit < kUnits; ++unit) {
      const int32_t old = SaturateToInt16(kept(gates[kForgetGate * kUnits + unit] * cell[unit]));
      const int32_t more = SaturateToInt16(added(gates[kInputGate * kUnits + unit] * candidate[unit]));
      cell[unit] = static_cast<int16_t>(Clamp(SaturateToInt16(old + more), params.cell_min, params.cell_max));
    }
    TanhInt16({tables.sigmoid, params.tanh_multiplier, params.tanh_right_shift}, cell, kUnits, candidate);
    for (int unit = 0; unit < kUnits; ++unit) {
      hidden[unit] = ToInt8(to_hidden(gates[kOutputGate * kUnits + unit] * candidate[unit]), params.hidden_zero_point);
    }
    CopyBytes(output, hidden, kUnits);
  }
}

}  // namespace kws::aot
