// A streaming state as a sliding window: the rows that a step needs lie one behind the other, new rows are written
// behind the old ones, and the window moves back to the start of its buffer only every kSteps steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/aot/copy.h"

namespace kws::aot {

// kStateRows: rows kept between steps. kNewRows: rows that a step adds. kRowBytes: bytes of a row.
template <int kStateRows, int kNewRows, int kRowBytes, int kSteps>
class Window {
 public:
  // RAM of the rows, without the position.
  static constexpr size_t kDataBytes = (kStateRows + kSteps * kNewRows) * kRowBytes;

  // Sets every element of the state to `value`.
  void Reset(int8_t value) {
    memset(data_, value, sizeof data_);
    first_ = 0;
  }

  // The rows of this step: kStateRows old ones, then kNewRows for the producer to write.
  int8_t* Rows() { return data_ + first_; }
  int8_t* NewRows() { return data_ + first_ + kStateRows * kRowBytes; }

  // Ends the step: the oldest kNewRows rows leave.
  void Advance() {
    first_ += kStepBytes;
    if (first_ == kSteps * kStepBytes) {
      CopyBytes(data_, data_ + first_, kStateRows * kRowBytes);
      first_ = 0;
    }
  }

  // Byte `offset` of the state in tensor order, oldest row first, between steps. offset: below kStateRows * kRowBytes.
  int8_t At(size_t offset) const { return data_[static_cast<size_t>(first_) + offset]; }

 private:
  static constexpr int kStepBytes = kNewRows * kRowBytes;

  alignas(16) int8_t data_[kDataBytes];
  int first_;
};

}  // namespace kws::aot
