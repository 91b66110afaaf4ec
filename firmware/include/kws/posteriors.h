// Softmax of one step's scores, in integers. Equal, integer for integer, to posteriors_q15 of
// training/kws_reference/detector/integer.py. The exponential comes from the generated detector_config.h.
#pragma once

#include <cstdint>

#include "detector_config.h"

namespace kws {

// Of int8 [kLabelCount] scores, which must outlive it.
class Posteriors {
 public:
  explicit Posteriors(const int8_t* scores) : scores_(scores), best_(scores[0]) {
    for (int k = 1; k < detector_config::kLabelCount; ++k) {
      if (scores[k] > best_) best_ = scores[k];
    }
    for (int k = 0; k < detector_config::kLabelCount; ++k) total_ += Exp(k);
  }

  // Posterior of `label` (0 to kLabelCount - 1), Q15, 0..32767: 1 does not fit.
  uint16_t Q15(int label) const {
    const uint32_t ratio = (Exp(label) << 15) / total_;
    return static_cast<uint16_t>(ratio > 32767 ? 32767 : ratio);
  }

 private:
  uint32_t Exp(int label) const { return detector_config::kExpQ15[best_ - scores_[label]]; }

  const int8_t* scores_;
  int best_;
  uint32_t total_ = 0;  // at most 255 * 2^15; at least the best label's 2^15
};

}  // namespace kws
