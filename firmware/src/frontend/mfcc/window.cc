#include "frontend/fixed_point.h"
#include "stages.h"

#ifndef KWS_FRONTEND_MICRO

namespace kws::frontend {
namespace {

static_assert(kWindowSamples >= 2 && kWindowSamples <= kFftSize, "the window must fit the transform");
static_assert(kFirstRadix == 4 || kFirstRadix == 2, "the first stage has radix 4 or 2");

#if KWS_FRONTEND_MVE

struct Complex4 {
  int32x4_t re, im;
};

// Points `n` of one leg, four butterflies at a time; `shift` is to the left, or right when negative.
inline Complex4 Load4(const int16_t* pcm, const uint16_t* hann, uint32x4_t n, int shift) {
  const uint32x4_t x = vldrwq_gather_shifted_offset_u32(reinterpret_cast<const uint32_t*>(pcm), n);
  const uint32x4_t w = vldrwq_gather_shifted_offset_u32(reinterpret_cast<const uint32_t*>(hann), n);
  const int16x8_t samples = vreinterpretq_s16_u32(x);
  const uint16x8_t weights = vreinterpretq_u16_u32(w);
  const int32x4_t even = vmulq_s32(vmovlbq_s16(samples), vreinterpretq_s32_u32(vmovlbq_u16(weights)));
  const int32x4_t odd = vmulq_s32(vmovltq_s16(samples), vreinterpretq_s32_u32(vmovltq_u16(weights)));
  return {vshlq_r_s32(even, shift), vshlq_r_s32(odd, shift)};
}

inline void FirstStage4(const int16_t* pcm, int shift, int32_t* out) {
  constexpr int kStride = kFftSize / kFirstRadix;
  const uint32x4_t to = vidupq_n_u32(0, 1) * (2 * kFirstRadix);  // words from one butterfly to the next
  for (int g = 0; g < kFftPoints / kFirstRadix; g += 4) {
    const uint32x4_t n = vldrbq_u32(kFirstIndex + g);
    const Complex4 a = Load4(pcm, kHannQ16, n, shift);
    if constexpr (kFirstRadix == 4) {
      const Complex4 c = Load4(pcm + 2 * kStride, kHannQ16 + 2 * kStride, n, shift);
      const int32x4_t sr = vaddq_s32(a.re, c.re), si = vaddq_s32(a.im, c.im);
      const int32x4_t tr = vsubq_s32(a.re, c.re), ti = vsubq_s32(a.im, c.im);
      const Complex4 b = Load4(pcm + kStride, kHannQ16 + kStride, n, shift);
      const Complex4 d = Load4(pcm + 3 * kStride, kHannQ16 + 3 * kStride, n, shift);
      const int32x4_t ur = vaddq_s32(b.re, d.re), ui = vaddq_s32(b.im, d.im);
      vstrwq_scatter_shifted_offset_s32(out + 0, to, vaddq_s32(sr, ur));
      vstrwq_scatter_shifted_offset_s32(out + 1, to, vaddq_s32(si, ui));
      vstrwq_scatter_shifted_offset_s32(out + 4, to, vsubq_s32(sr, ur));
      vstrwq_scatter_shifted_offset_s32(out + 5, to, vsubq_s32(si, ui));
      const int32x4_t vr = vsubq_s32(b.re, d.re), vi = vsubq_s32(b.im, d.im);
      vstrwq_scatter_shifted_offset_s32(out + 2, to, vaddq_s32(tr, vi));
      vstrwq_scatter_shifted_offset_s32(out + 3, to, vsubq_s32(ti, vr));
      vstrwq_scatter_shifted_offset_s32(out + 6, to, vsubq_s32(tr, vi));
      vstrwq_scatter_shifted_offset_s32(out + 7, to, vaddq_s32(ti, vr));
    } else {
      const Complex4 b = Load4(pcm + kStride, kHannQ16 + kStride, n, shift);
      vstrwq_scatter_shifted_offset_s32(out + 0, to, vaddq_s32(a.re, b.re));
      vstrwq_scatter_shifted_offset_s32(out + 1, to, vaddq_s32(a.im, b.im));
      vstrwq_scatter_shifted_offset_s32(out + 2, to, vsubq_s32(a.re, b.re));
      vstrwq_scatter_shifted_offset_s32(out + 3, to, vsubq_s32(a.im, b.im));
    }
    out += 4 * 2 * kFirstRadix;
  }
}

#else

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

#endif  // KWS_FRONTEND_MVE

}  // namespace

int BlockShift(const int16_t* pcm) {
  // Bit i of x ^ (x << 1) says that bits i and i - 1 of x differ; the highest such bit gives the magnitude's length.
  // Two samples a word: only bit 0 of the upper one is disturbed by its neighbour, and it is set anyway.
  uint32_t bits = 0;
  int n = 0;
#if KWS_FRONTEND_MVE
  uint16x8_t all = vdupq_n_u16(0);
  for (; n + 8 <= kWindowSamples; n += 8) {
    const uint16x8_t x = vreinterpretq_u16_s16(vld1q_s16(pcm + n));
    all = vorrq_u16(all, veorq_u16(x, vshlq_n_u16(x, 1)));
  }
  const uint32x4_t pairs = vreinterpretq_u32_u16(all);
  for (int lane = 0; lane < 4; ++lane) bits |= pairs[lane];
#else
#pragma GCC unroll 8
#endif
  for (; n + 1 < kWindowSamples; n += 2) {
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
#if KWS_FRONTEND_MVE
  FirstStage4(pcm, shift, out);
#else
  if (shift >= 0) {
    FirstStage(pcm, Loader<true>{shift}, out);
  } else {
    FirstStage(pcm, Loader<false>{-shift}, out);
  }
#endif
}

}  // namespace kws::frontend

#endif  // KWS_FRONTEND_MICRO
