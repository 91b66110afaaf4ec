#include "fixed_point.h"
#include "stages.h"

namespace kws::frontend {
namespace {

static_assert(kWindowSamples >= 2 && kWindowSamples <= kFftSize, "the window must fit the transform");
static_assert(kFirstRadix == 4 || kFirstRadix == 2, "the first stage has radix 4 or 2");

struct Complex {
  int32_t re, im;
};

// A complex point, even sample and odd sample, from where `pcm` and `hann` point to.
template <bool kLeft>
struct Loader {
  int shift;
  Complex operator()(const int16_t* pcm, const uint16_t* hann) const {
    return {Shift(pcm[0] * hann[0]), Shift(pcm[1] * hann[1])};
  }
  int32_t Shift(int32_t product) const {
    // The product is within 32 bits because the window is below 1, the shifted one by choice of the block's exponent.
    return kLeft ? static_cast<int32_t>(static_cast<uint32_t>(product) << shift) : product >> shift;
  }
};

template <typename Load>
inline void FirstStage(const int16_t* pcm, const Load load, int32_t* out) {
  constexpr int kStride = kFftSize / kFirstRadix;  // samples from one leg of a butterfly to the next
  for (int g = 0; g < kFftPoints / kFirstRadix; ++g) {
    const int16_t* x = pcm + 2 * kFirstIndex[g];
    const uint16_t* w = kHannQ16 + 2 * kFirstIndex[g];
    const Complex a = load(x, w);
    const Complex b = load(x + kStride, w + kStride);
    if constexpr (kFirstRadix == 4) {
      const Complex c = load(x + 2 * kStride, w + 2 * kStride);
      const Complex d = load(x + 3 * kStride, w + 3 * kStride);
      const Complex s = {a.re + c.re, a.im + c.im}, t = {a.re - c.re, a.im - c.im};
      const Complex u = {b.re + d.re, b.im + d.im}, v = {b.re - d.re, b.im - d.im};
      out[0] = s.re + u.re;
      out[1] = s.im + u.im;
      out[2] = t.re + v.im;
      out[3] = t.im - v.re;
      out[4] = s.re - u.re;
      out[5] = s.im - u.im;
      out[6] = t.re - v.im;
      out[7] = t.im + v.re;
    } else {
      out[0] = a.re + b.re;
      out[1] = a.im + b.im;
      out[2] = a.re - b.re;
      out[3] = a.im - b.im;
    }
    out += 2 * kFirstRadix;
  }
}

}  // namespace

int BlockShift(const int16_t* pcm) {
  // Bit i of x ^ (x << 1) says that bits i and i - 1 of x differ; the highest such bit gives the magnitude's length.
  // Two samples a word: only bit 0 of the upper one is disturbed by its neighbour, and it is set anyway.
  uint32_t bits = 0;
#if !KWS_FRONTEND_MVE  // vectorised there
#pragma GCC unroll 8
#endif
  for (int n = 0; n + 1 < kWindowSamples; n += 2) {
    const uint32_t pair = LoadPair(pcm + n);
    bits |= pair ^ (pair << 1);
  }
  if constexpr (kWindowSamples % 2 != 0) {
    const uint32_t last = static_cast<uint16_t>(pcm[kWindowSamples - 1]);
    bits |= (last ^ (last << 1)) & 0xFFFF;
  }
  bits = ((bits | bits >> 16) & 0xFFFF) | 1;
  return CountLeadingZeros(bits) - 22;  // 9 - p with -2^p <= pcm < 2^p
}

void WindowAndFirstStage(const int16_t* pcm, int shift, int32_t* out) {
  if (shift >= 0) {
    FirstStage(pcm, Loader<true>{shift}, out);
  } else {
    FirstStage(pcm, Loader<false>{-shift}, out);
  }
}

}  // namespace kws::frontend
