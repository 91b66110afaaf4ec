// Two products of int16 at once. The portable bodies are the definition; the DSP instructions give the same integers.
// Private to firmware/boards.
#pragma once

#include <cstddef>
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

// Volatile, and said to touch memory: the compiler would load many pairs ahead of their use, and spill them.

// sum + Low(a) * Low(b) + High(a) * High(b); the sum must fit.
inline int32_t DualMac(int32_t sum, uint32_t a, uint32_t b) {
#if KWS_PDM_DSP
  __asm volatile("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b) : "memory");
  return sum;
#else
  return sum + Low(a) * Low(b) + High(a) * High(b);
#endif
}

// sum + Low(a) * High(b) + High(a) * Low(b); the sum must fit.
inline int32_t CrossMac(int32_t sum, uint32_t a, uint32_t b) {
#if KWS_PDM_DSP
  __asm volatile("smladx %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b) : "memory");
  return sum;
#else
  return sum + Low(a) * High(b) + High(a) * Low(b);
#endif
}

// sum / 2^kShift, rounded down, saturated.
template <int kShift>
int16_t Narrow(int32_t sum) {
#if KWS_PDM_DSP
  int32_t value;
  __asm("ssat %0, #16, %1, asr %2" : "=r"(value) : "r"(sum), "n"(kShift));
  return static_cast<int16_t>(value);
#else
  const int32_t value = sum >> kShift;
  return static_cast<int16_t>(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
#endif
}

// Sum of kTaps products of samples and symmetric taps, of which `half` is the first half: both ends of the samples at
// once. kTaps is a multiple of 4.
template <size_t kTaps>
int32_t SymmetricSum(const int16_t* samples, const int16_t* half) {
  static_assert(kTaps % 4 == 0, "pairs of taps meet pairs of samples from both ends");
  const int16_t* last = samples + kTaps - 2;
  int32_t sum = 0;
#pragma GCC unroll 16
  for (size_t i = 0; i < kTaps / 2; i += 2) {
    const uint32_t taps = Pair(half + i);
    sum = DualMac(sum, Pair(samples + i), taps);
    sum = CrossMac(sum, Pair(last - i), taps);
  }
  return sum;
}

// The same for `samples` and for those 4 later: what both need is loaded once.
template <size_t kTaps>
void TwoSymmetricSums(const int16_t* samples, const int16_t* half, int32_t* first, int32_t* second) {
  static_assert(kTaps % 4 == 0, "pairs of taps meet pairs of samples from both ends");
  const int16_t* last = samples + kTaps + 2;
  uint32_t from_front[3] = {Pair(samples), Pair(samples + 2), 0};
  uint32_t from_back[3] = {Pair(last), Pair(last - 2), 0};
  int32_t sums[2] = {0, 0};
#pragma GCC unroll 16
  for (size_t i = 0; i < kTaps / 2; i += 2) {
    const uint32_t taps = Pair(half + i);
    from_front[2] = Pair(samples + i + 4);
    from_back[2] = Pair(last - i - 4);
    sums[0] = CrossMac(DualMac(sums[0], from_front[0], taps), from_back[2], taps);
    sums[1] = CrossMac(DualMac(sums[1], from_front[2], taps), from_back[0], taps);
    from_front[0] = from_front[1], from_front[1] = from_front[2];
    from_back[0] = from_back[1], from_back[1] = from_back[2];
  }
  *first = sums[0];
  *second = sums[1];
}

}  // namespace kws::pdm
