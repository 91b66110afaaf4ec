// Fixed-point primitives of the front end. The portable bodies are the definition; the DSP instructions give the same
// integers.
#pragma once

#include <cstdint>
#include <cstring>

// The DSP extension of Armv7E-M and Armv8-M. Define KWS_FRONTEND_PORTABLE to compare with the portable bodies.
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && !defined(KWS_FRONTEND_PORTABLE)
#define KWS_FRONTEND_DSP 1
#else
#define KWS_FRONTEND_DSP 0
#endif

// Helium, the vector extension of Armv8.1-M.
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(KWS_FRONTEND_PORTABLE)
#define KWS_FRONTEND_MVE 1
#include <arm_mve.h>
#else
#define KWS_FRONTEND_MVE 0
#endif

namespace kws::frontend {

// Bits above the highest set one; `x` must not be 0.
inline int CountLeadingZeros(uint32_t x) { return __builtin_clz(x); }

// Two consecutive int16 as one word: the first in the low half on the little-endian cores that we build for. `p` must
// be aligned to 4 bytes, so that neighbouring loads can become one.
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The front end reads pairs of samples as little-endian words"
#endif
inline uint32_t LoadPair(const int16_t* p) {
  uint32_t pair;
  std::memcpy(&pair, __builtin_assume_aligned(p, 4), sizeof(pair));
  return pair;
}
inline int32_t Low(uint32_t pair) { return static_cast<int16_t>(pair & 0xFFFF); }
inline int32_t High(uint32_t pair) { return static_cast<int32_t>(pair) >> 16; }

// (a * b + 2^31) >> 32
inline int32_t MulR(int32_t a, int32_t b) {
#if KWS_FRONTEND_DSP
  int32_t result;
  asm("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
  return result;
#else
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 31)) >> 32);
#endif
}

// sum + MulR(a, b)
inline int32_t MulAddR(int32_t sum, int32_t a, int32_t b) {
#if KWS_FRONTEND_DSP
  int32_t result;
  asm("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
#else
  return sum + MulR(a, b);
#endif
}

// sum + MulR(a, -b); `b` must not be INT32_MIN.
inline int32_t MulSubR(int32_t sum, int32_t a, int32_t b) {
#if KWS_FRONTEND_DSP
  int32_t result;
  asm("smmlsr %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
#else
  return sum + MulR(a, -b);
#endif
}

// sum + Low(a) * Low(b) + High(a) * High(b)
inline int64_t DualMac(int64_t sum, uint32_t a, uint32_t b) {
#if KWS_FRONTEND_DSP
  asm("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
#else
  return sum + Low(a) * Low(b) + int64_t{High(a) * High(b)};
#endif
}

}  // namespace kws::frontend
