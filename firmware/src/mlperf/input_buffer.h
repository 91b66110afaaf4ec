// The bytes that the runner loads before an inference.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model_info.h"

namespace kws::mlperf {

// Place it in static memory.
class InputBuffer {
 public:
  // More than a clip of a second takes: 490 bytes of MLPerf Tiny's own model, 3,920 of Matchbox. At least one step.
  static constexpr size_t kCapacityBytes = model::kStepFeatureCount > 8192 ? model::kStepFeatureCount : 8192;

  enum class Outcome : uint8_t {
    kMore,       // taken, further bytes are expected
    kDone,       // taken, the last expected byte was among them
    kOddDigits,  // no whole number of bytes
    kBadDigit,   // two characters are no hexadecimal number
    kNoRoom,     // no byte was expected
  };

  // Forgets everything; no byte is expected.
  void Clear() { size_ = expected_ = 0; }

  // Expects `size` bytes from now on, 1 to kCapacityBytes. Returns false for other sizes: then none is expected.
  bool Expect(size_t size);

  // Takes bytes of two hexadecimal digits each, lower or upper case; what follows the last expected one is ignored, but
  // for wrong digits. Where the outcome is neither kMore nor kDone nothing was taken; with kBadDigit `bad` holds the
  // two characters and a 0.
  Outcome Append(const char* digits, char (&bad)[3]);

  // Whether the last Expect() was answered in full.
  bool complete() const { return expected_ != 0 && size_ == expected_; }

  // What was loaded so far.
  const int8_t* data() const { return reinterpret_cast<const int8_t*>(bytes_); }
  size_t size() const { return size_; }
  size_t expected() const { return expected_; }

 private:
  uint8_t bytes_[kCapacityBytes];
  size_t size_ = 0;
  size_t expected_ = 0;
};

}  // namespace kws::mlperf
