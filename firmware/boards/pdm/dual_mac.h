// Two products of int16 at once. The portable bodies are the definition; the DSP instructions give the same integers.
// Private to firmware/boards.
#pragma once

#include <cstdint>
#include <cstring>

// The DSP extension of Armv7E-M and Armv8-M. Define KWS_PDM_PORTABLE to compare with the portable bodies.
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && !defined(KWS_PDM_PORTABLE)
#define KWS_PDM_DSP 1
#else
#define KWS_PDM_DSP 0
#endif

namespace kws::pdm {

// Two neighbours as one word, at any address of an int16: the first in the low half.
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Pairs of samples are read as little-endian words"
#endif
inline uint32_t Pair(const int16_t* p) {
  uint32_t pair;
  std::memcpy(&pair, p, sizeof(pair));
  return pair;
}
inline int32_t Low(uint32_t pair) { return static_cast<int16_t>(pair & 0xFFFF); }
inline int32_t High(uint32_t pair) { return static_cast<int32_t>(pair) >> 16; }

// sum + Low(a) * Low(b) + High(a) * High(b); the sum must fit.
inline int32_t DualMac(int32_t sum, uint32_t a, uint32_t b) {
#if KWS_PDM_DSP
  __asm("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
#else
  return sum + Low(a) * Low(b) + High(a) * High(b);
#endif
}

// sum + Low(a) * High(b) + High(a) * Low(b); the sum must fit.
inline int32_t CrossMac(int32_t sum, uint32_t a, uint32_t b) {
#if KWS_PDM_DSP
  __asm("smladx %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
#else
  return sum + Low(a) * High(b) + High(a) * Low(b);
#endif
}

// Sum of kTaps products of samples and symmetric taps, of which `half` is the first half: both ends of the samples at
// once. kTaps is a multiple of 4; `half` is aligned to 4 bytes.
template <size_t kTaps>
int32_t SymmetricSum(const int16_t* samples, const int16_t* half) {
  static_assert(kTaps % 4 == 0, "pairs of taps meet pairs of samples from both ends");
  int32_t sum = 0;
#pragma GCC unroll 16
  for (size_t i = 0; i < kTaps / 2; i += 2) {
    const uint32_t taps = Pair(half + i);
    sum = DualMac(sum, Pair(samples + i), taps);
    sum = CrossMac(sum, Pair(samples + kTaps - 2 - i), taps);
  }
  return sum;
}

}  // namespace kws::pdm
