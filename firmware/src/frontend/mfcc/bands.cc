#include "stages.h"

#ifdef KWS_FRONTEND_LOG_MEL

#include "normalise.h"

namespace kws::frontend {

static_assert(kCoefficients == kMelBands, "log-mel features are the bands");

void BandsToFeatures(const int16_t* log_mel, int8_t* features) {
  for (int b = 0; b < kMelBands; ++b) features[b] = Normalise(log_mel[b] * (1 << kLogMelBits), b);
}

}  // namespace kws::frontend

#endif  // KWS_FRONTEND_LOG_MEL
