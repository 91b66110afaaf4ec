// C interface to the decimators of pulse density for the tests (ctypes).
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "pdm/pdm_decimator.h"
#include "pdm/sum_decimator.h"

namespace {
kws::pdm::PdmDecimator g_bits;
kws::pdm::SumDecimator g_sums;
}  // namespace

extern "C" {

size_t pdm_bytes() { return sizeof(g_bits); }

void pdm_restart() { g_bits.Restart(); }

void pdm_run(const uint16_t* words, size_t samples, int16_t* out) { g_bits.Run(words, samples, out); }

void sums_restart() { g_sums.Restart(); }

void sums_run(const int16_t* sums, size_t samples, int16_t* out) {
  while (samples > 0) {
    const size_t now = std::min(samples, kws::pdm::SumDecimator::kMostSamples);
    std::copy(sums, sums + now * kws::pdm::kSumsPerSample, g_sums.sums());
    g_sums.Run(now, out);
    sums += now * kws::pdm::kSumsPerSample;
    out += now;
    samples -= now;
  }
}

}  // extern "C"
