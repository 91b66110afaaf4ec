#include "stages.h"

#ifdef KWS_FRONTEND_PREEMPHASIS

namespace kws::frontend {

int16_t Preemphasise(const int16_t* pcm, size_t sample_count, int16_t last, int16_t* out) {
  static_assert(kPreemphasisQ15 > 0 && kPreemphasisQ15 < 1 << 15, "the difference of two products fits 32 bits");
  for (size_t n = 0; n < sample_count; ++n) {
    const int16_t sample = pcm[n];
    const int32_t value = (sample * (1 << 15) - kPreemphasisQ15 * last + (1 << 14)) >> 15;
    out[n] = static_cast<int16_t>(value < INT16_MIN ? INT16_MIN : (value > INT16_MAX ? INT16_MAX : value));
    last = sample;
  }
  return last;
}

}  // namespace kws::frontend

#endif  // KWS_FRONTEND_PREEMPHASIS
