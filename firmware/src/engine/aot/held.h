// A streaming state that is no sliding window: a step reads it as the last one left it, and its end replaces it whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kws::aot {

// kBytes: of the state.
template <int kBytes>
class Held {
 public:
  static constexpr size_t kDataBytes = kBytes;

  // Sets every element of the state to `value`.
  void Reset(int8_t value) { memset(data_, value, sizeof data_); }

  // The state, in tensor order.
  int8_t* Rows() { return data_; }

  // Byte `offset` of the state, between steps. offset: below kBytes.
  int8_t At(size_t offset) const { return data_[offset]; }

 private:
  alignas(16) int8_t data_[kBytes];
};

}  // namespace kws::aot
