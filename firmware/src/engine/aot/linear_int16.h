// What layers with int8 weights between int16 activations share: constants, dot products, requantization.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/aot/instructions.h"
#include "engine/aot/requantize.h"

namespace kws::aot {

// Constants of a layer, made by the generator. Sum: int32_t where it has proven that no sum needs more, else int64_t.
template <typename Sum>
struct LinearInt16Tables {
  const int8_t* weights;
  const Sum* bias;         // [outputs], in accumulator units
  const int32_t* factors;  // [2][outputs]: multiplier, and a shift as the rounding has it
};

// How a layer requantizes its sums. TensorFlow Lite rounds once where the bias has 64 bits, or there is none.
enum class RoundingInt16 : uint8_t {
  kOnce,   // multiplier of 15 bits; right shift of the product, 8 to 46, to nearest, ties up
  kTwice,  // as layers of int8: multiplier Q31; TensorFlow Lite's shift, positive to the left
};

namespace internal {

// Two int16 as one little-endian word. Cortex-M loads words from any address.
inline uint32_t LoadPair(const int16_t* from) {
  uint32_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

#if defined(KWS_AOT_DSP)

// The lower halves of two words, and their upper halves, as the first word's and the second's.
inline uint32_t LowerHalves(uint32_t first, uint32_t second) {
  uint32_t pair;
  __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(first), "r"(second));
  return pair;
}
inline uint32_t UpperHalves(uint32_t first, uint32_t second) {
  uint32_t pair;
  __asm("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(second), "r"(first));
  return pair;
}

// sum + a.low * b.low + a.high * b.high, on two int16 each, with 64 bits.
inline int64_t MultiplyPairs(uint32_t a, uint32_t b, int64_t sum) {
  __asm("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
inline int32_t MultiplyPairs(uint32_t a, uint32_t b, int32_t sum) { return aot::MultiplyPairs(a, b, sum); }

#endif  // KWS_AOT_DSP

#if defined(KWS_AOT_MVE)

inline int32_t MultiplyVectors(int16x8_t a, int16x8_t b, int32_t sum, mve_pred16_t lanes) {
  return vmladavaq_p_s16(sum, a, b, lanes);
}
inline int64_t MultiplyVectors(int16x8_t a, int16x8_t b, int64_t sum, mve_pred16_t lanes) {
  return vmlaldavaq_p_s16(sum, a, b, lanes);
}

#endif  // KWS_AOT_MVE

// Adds to each of kRows sums the dot product of `values` with a row of weights; rows lie `row_bytes` apart.
// Inlined and unrolled, so that the sums stay in registers.
template <int kRows, typename Sum>
inline __attribute__((always_inline)) void AddDotProducts(const int16_t* values, const int8_t* weights, int row_bytes,
                                                          int count, Sum* sums) {
#if defined(KWS_AOT_MVE)
  for (int i = 0; i < count; i += 8) {
    const mve_pred16_t lanes = vctp16q(static_cast<uint32_t>(count - i));
    const int16x8_t x = vldrhq_z_s16(values + i, lanes);
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) {
      sums[row] = MultiplyVectors(x, vldrbq_z_s16(weights + row * row_bytes + i, lanes), sums[row], lanes);
    }
  }
#else
  int done = 0;
#if defined(KWS_AOT_DSP)
  done = count - count % 4;
  for (int i = 0; i < done; i += 4) {
    const uint32_t first = LoadPair(values + i);
    const uint32_t second = LoadPair(values + i + 2);
    const uint32_t even = LowerHalves(first, second);
    const uint32_t odd = UpperHalves(first, second);
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) {
      const uint32_t four = LoadWord(weights + row * row_bytes + i);
      sums[row] = MultiplyPairs(even, ExtendEven(four), sums[row]);
      sums[row] = MultiplyPairs(odd, ExtendOdd(four), sums[row]);
    }
  }
#endif
  for (int i = done; i < count; ++i) {
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) sums[row] += int32_t{values[i]} * weights[row * row_bytes + i];
  }
#endif
}

// Round(sum * multiplier / 2^right_shift), ties up. The generator has proven that product and result fit.
template <typename Sum>
constexpr int32_t RoundOnce(Sum sum, int32_t multiplier, int32_t right_shift) {
  return static_cast<int32_t>((int64_t{sum} * multiplier + (int64_t{1} << (right_shift - 1))) >> right_shift);
}

// A sum to the layer's int16 result; multiplier and shift as the rounding has them.
template <typename Sum, RoundingInt16 kRounding>
inline int16_t FinishInt16(Sum sum, int32_t multiplier, int32_t shift, OutputRange range) {
  const int32_t result = kRounding == RoundingInt16::kOnce ? RoundOnce(sum, multiplier, shift)
                                                           : Requantize(static_cast<int32_t>(sum), multiplier, shift);
  return static_cast<int16_t>(Clamp(result, range.min, range.max));
}

}  // namespace internal

}  // namespace kws::aot
