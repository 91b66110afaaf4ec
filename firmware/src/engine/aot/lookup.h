// Functions of one int8 value, whose 256 results the generator has computed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::aot {

// Bytes of a table: the results of the inputs -128 to 127 in this order.
constexpr size_t kLookupTableBytes = 256;

// output[i] = table[input[i] + 128]. count: elements. `output` may be `input`.
inline void Lookup(const int8_t* table, const int8_t* input, int count, int8_t* output) {
  const int8_t* of_zero = table + 128;
  for (int i = 0; i < count; ++i) output[i] = of_zero[input[i]];
}

}  // namespace kws::aot
