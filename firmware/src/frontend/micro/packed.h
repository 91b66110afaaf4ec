// Complex numbers of two int16 in a word, the real part in the low half. Everything wraps. The portable bodies are the
// definition; the DSP instructions give the same integers.
#pragma once

#include <cstdint>

#include "frontend/fixed_point.h"

namespace kws::frontend::micro {

inline uint32_t Pack(int32_t low, int32_t high) {
  return (static_cast<uint32_t>(low) & 0xFFFF) | static_cast<uint32_t>(high) << 16;
}

// Rounds Q15 products, half up.
inline uint32_t PackQ15(int32_t low, int32_t high) {
#if KWS_FRONTEND_DSP
  uint32_t result;
  asm("pkhtb %0, %1, %2, asr #15" : "=r"(result) : "r"(static_cast<uint32_t>(high) << 1), "r"(low));
  return result;
#else
  return Pack(low >> 15, high >> 15);
#endif
}

constexpr int32_t kHalfQ15 = 1 << 14;

// Low and High half of two words times kFactorQ15, below 1 / 2, rounded.
template <int kFactorQ15>
inline uint32_t Scale(uint32_t low, uint32_t high) {
#if KWS_FRONTEND_DSP
  // Twice the product: its upper half is the result.
  int32_t re, im;
  uint32_t result;
  asm("smlabb %0, %1, %2, %3" : "=r"(re) : "r"(low), "r"(2 * kFactorQ15), "r"(2 * kHalfQ15));
  asm("smlatb %0, %1, %2, %3" : "=r"(im) : "r"(high), "r"(2 * kFactorQ15), "r"(2 * kHalfQ15));
  asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(im), "r"(re));
  return result;
#else
  return PackQ15(Low(low) * kFactorQ15 + kHalfQ15, High(high) * kFactorQ15 + kHalfQ15);
#endif
}

// a * b, rounded; the sums fit int32 because |a| is at most 2^15.5 and |b| is 2^15.
inline uint32_t Multiply(uint32_t a, uint32_t b) {
#if KWS_FRONTEND_DSP
  int32_t low, high;
  asm("smlsd %0, %1, %2, %3" : "=r"(low) : "r"(a), "r"(b), "r"(kHalfQ15));
  asm("smladx %0, %1, %2, %3" : "=r"(high) : "r"(a), "r"(b), "r"(kHalfQ15));
  return PackQ15(low, high);
#else
  return PackQ15(Low(a) * Low(b) - High(a) * High(b) + kHalfQ15, Low(a) * High(b) + High(a) * Low(b) + kHalfQ15);
#endif
}

// re * re + im * im
inline uint32_t Energy(uint32_t z) {
#if KWS_FRONTEND_DSP
  uint32_t result;
  asm("smuad %0, %1, %1" : "=r"(result) : "r"(z));
  return result;
#else
  return static_cast<uint32_t>(Low(z) * Low(z)) + static_cast<uint32_t>(High(z) * High(z));
#endif
}

#if KWS_FRONTEND_DSP
#define KWS_PACKED_OPERATION(name, instruction, low, high)          \
  inline uint32_t name(uint32_t a, uint32_t b) {                    \
    uint32_t result;                                                \
    asm(instruction " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); \
    return result;                                                  \
  }
#else
#define KWS_PACKED_OPERATION(name, instruction, low, high) \
  inline uint32_t name(uint32_t a, uint32_t b) { return Pack(low, high); }
#endif

KWS_PACKED_OPERATION(Add, "sadd16", Low(a) + Low(b), High(a) + High(b))
KWS_PACKED_OPERATION(Subtract, "ssub16", Low(a) - Low(b), High(a) - High(b))
KWS_PACKED_OPERATION(SubtractTurned, "ssax", Low(a) + High(b), High(a) - Low(b))  // a - j b
KWS_PACKED_OPERATION(AddTurned, "sasx", Low(a) - High(b), High(a) + Low(b))       // a + j b
KWS_PACKED_OPERATION(HalfSum, "shadd16", (Low(a) + Low(b)) >> 1, (High(a) + High(b)) >> 1)
KWS_PACKED_OPERATION(HalfDifference, "shsub16", (Low(a) - Low(b)) >> 1, (High(a) - High(b)) >> 1)

#undef KWS_PACKED_OPERATION

}  // namespace kws::frontend::micro
