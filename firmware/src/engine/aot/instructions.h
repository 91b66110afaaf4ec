// The instruction set that the kernels of this folder are compiled for, and what their assembly shares.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(KWS_AOT_PORTABLE)
// The portable code on any core: for measuring, and for tests that compare it with the intrinsics.
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define KWS_AOT_MVE 1
#include <arm_mve.h>
#elif defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#define KWS_AOT_DSP 1
#elif defined(__wasm_simd128__)
#define KWS_AOT_WASM 1
#include <wasm_simd128.h>
#endif

// Assembly blocks of this folder that need most registers name them all, r7 never without saving it, since it is the
// frame pointer of some builds. The compiler has nothing left to choose, so that a block compiles wherever it is
// inlined and whatever the optimisation. Nothing but moves stands between the first pinned variable and the block, for
// a call would take the registers.
//
// GCC counts the lines of a block to know how far branches and constants reach. Blank lines stand for what .rept adds.
#define KWS_LINES_16 "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
#define KWS_LINES_64 KWS_LINES_16 KWS_LINES_16 KWS_LINES_16 KWS_LINES_16
#define KWS_LINES_256 KWS_LINES_64 KWS_LINES_64 KWS_LINES_64 KWS_LINES_64

#if defined(KWS_AOT_MVE)

// A load that moves its pointer on; strides that do not fit into the load take an addition.
// clang-format off
#define KWS_LOAD(vector, pointer, stride)               \
  ".if " stride " <= 127\n"                             \
  "vldrb.s16 " vector ", [" pointer "], #" stride "\n"  \
  ".else\n"                                             \
  "vldrb.s16 " vector ", [" pointer "]\n"               \
  "add " pointer ", " pointer ", #" stride "\n"         \
  ".endif\n"
// clang-format on

#endif  // KWS_AOT_MVE

namespace kws::aot {

// Four int8 as one little-endian word. Cortex-M loads words from any address.
inline uint32_t LoadWord(const int8_t* from) {
  uint32_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

#if defined(KWS_AOT_DSP)

// sum + a.low * b.low + a.high * b.high, on two int16 each.
inline int32_t MultiplyPairs(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
// sum + a.low * b.low, and sum + a.high * b.high.
inline int32_t MultiplyLow(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
inline int32_t MultiplyHigh(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlatt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
// sum + a.low * b.high.
inline int32_t MultiplyLowByHigh(uint32_t a, uint32_t b, int32_t sum) {
  __asm("smlabt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}

// {a.low, b.low} and {a.high, b.high}.
inline uint32_t PackLow(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
  return pair;
}
inline uint32_t PackHigh(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
  return pair;
}

// Sign-extends bytes 0 and 2 (SXTB16), or 1 and 3 (with a rotation by 8), to two int16.
inline uint32_t ExtendEven(uint32_t word) {
  uint32_t pair;
  __asm("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
  return pair;
}
inline uint32_t ExtendOdd(uint32_t word) {
  uint32_t pair;
  __asm("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
}

#endif  // KWS_AOT_DSP

#if defined(KWS_AOT_WASM)

// sums + a * b of eight int16 each, two neighbours in a lane.
inline v128_t MultiplyEight(v128_t a, v128_t b, v128_t sums) {
  return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(a, b));
}

inline int32_t SumOfLanes(v128_t sums) {
  return wasm_i32x4_extract_lane(sums, 0) + wasm_i32x4_extract_lane(sums, 1) + wasm_i32x4_extract_lane(sums, 2) +
         wasm_i32x4_extract_lane(sums, 3);
}

#endif  // KWS_AOT_WASM

}  // namespace kws::aot
