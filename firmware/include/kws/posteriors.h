// Posteriors of one step's scores, in integers: the softmax of logits, or scores that are probabilities already. Equal,
// integer for integer, to DetectorTables.posteriors_q15 of training/kws_reference/detector/integer.py. Which of the two
// a model has, and the tables, come from the generated detector_config.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "detector_config.h"

namespace kws {

// Posteriors of one step's logits, int8 [kLabelCount], which are read once.
class Softmax {
 public:
  explicit Softmax(const int8_t* scores) : best_(scores[0]), total_(0) {
    for (int k = 1; k < detector_config::kLabelCount; ++k) {
      if (scores[k] > best_) best_ = scores[k];
    }
    // At most 255 * 2^15; at least the best label's 2^15.
    for (int k = 0; k < detector_config::kLabelCount; ++k) total_ += detector_config::kExpQ15[best_ - scores[k]];
  }

  // Of one of these scores: 0 to 32767, since 1 does not fit.
  uint16_t PosteriorQ15(int8_t score) const {
    const uint32_t ratio = (uint32_t{detector_config::kExpQ15[best_ - score]} << 15) / total_;
    return static_cast<uint16_t>(ratio > 32767 ? 32767 : ratio);
  }

 private:
  int best_;
  uint32_t total_;
};

// Scores that are posteriors already.
class Probabilities {
 public:
  explicit Probabilities(const int8_t*) {}

  static uint16_t PosteriorQ15(int8_t score) { return detector_config::kProbabilityQ15[score + 128]; }
};

using Posteriors = std::conditional_t<detector_config::kScoresAreLogits, Softmax, Probabilities>;

}  // namespace kws
