// Kernels of int16 as functions of a shared library, for tests over every value.
#include <cstddef>
#include <cstdint>

#include "engine/aot/sigmoid_int16.h"
#include "engine/aot/softmax_int16.h"

namespace aot = kws::aot;

extern "C" {

void Logistic(const uint16_t* table, int multiplier, int right_shift, const int16_t* input, int count,
              int16_t* output) {
  aot::LogisticInt16({table, multiplier, right_shift}, input, count, output);
}

void Tanh(const uint16_t* table, int multiplier, int right_shift, const int16_t* input, int count, int16_t* output) {
  aot::TanhInt16({table, multiplier, right_shift}, input, count, output);
}

void Softmax(const int16_t* exponentials, const int16_t* reciprocals, int multiplier, int shift, const int16_t* input,
             int rows, int depth, int16_t* output) {
  aot::SoftmaxInt16({exponentials, reciprocals, {multiplier, shift}}, input, rows, depth, output);
}
}
