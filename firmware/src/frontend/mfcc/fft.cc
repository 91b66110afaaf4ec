#include "frontend/fixed_point.h"
#include "stages.h"

#ifndef KWS_FRONTEND_MICRO

namespace kws::frontend {
namespace {

struct Complex {
  int32_t re, im;
};

// z * (cos - j sin) / 2, w = (cos, sin) in Q31.
inline Complex Rotate(const int32_t* z, const int32_t* w) {
  const int32_t re = z[0], im = z[1], cos = w[0], sin = w[1];
  return {MulAddR(MulR(re, cos), im, sin), MulSubR(MulR(im, cos), re, sin)};
}

// Combines 4 transforms of kSpan points into one, for each block of 4 kSpan points. Values grow by at most 2: four
// legs, halved.
template <int kSpan>
inline void Stage(int32_t* data) {
  constexpr int kLeg = 2 * kSpan;                               // words from one leg to the next
  constexpr int kTwiddleStep = 6 * (kFftPoints / (4 * kSpan));  // words from one twiddle triple to the next
  for (int32_t* block = data; block < data + 2 * kFftPoints; block += 4 * kLeg) {
    const int32_t* w = kTwiddleQ31;
    for (int32_t* p = block; p < block + kLeg; p += 2, w += kTwiddleStep) {
      const Complex b = Rotate(p + kLeg, w);
      const Complex d = Rotate(p + 3 * kLeg, w + 4);
      const Complex u = {b.re + d.re, b.im + d.im}, v = {b.re - d.re, b.im - d.im};
      const Complex c = Rotate(p + 2 * kLeg, w + 2);
      const Complex a = {p[0] >> 1, p[1] >> 1};
      const Complex s = {a.re + c.re, a.im + c.im}, t = {a.re - c.re, a.im - c.im};
      p[0] = s.re + u.re;
      p[1] = s.im + u.im;
      p[kLeg] = t.re + v.im;
      p[kLeg + 1] = t.im - v.re;
      p[2 * kLeg] = s.re - u.re;
      p[2 * kLeg + 1] = s.im - u.im;
      p[3 * kLeg] = t.re - v.im;
      p[3 * kLeg + 1] = t.im + v.re;
    }
  }
}

#if KWS_FRONTEND_MVE

struct Complex4 {
  int32x4_t re, im;
};

// Rotate() of four points by four twiddles, `step` words apart.
inline Complex4 Rotate4(const int32_t* z, const int32_t* w, uint32x4_t offsets) {
  const int32x4x2_t x = vld2q_s32(z);
  const int32x4_t cos = vldrwq_gather_shifted_offset_s32(w, offsets);
  const int32x4_t sin = vldrwq_gather_shifted_offset_s32(w + 1, offsets);
  return {vaddq_s32(vrmulhq_s32(x.val[0], cos), vrmulhq_s32(x.val[1], sin)),
          vaddq_s32(vrmulhq_s32(x.val[1], cos), vrmulhq_s32(x.val[0], vnegq_s32(sin)))};
}

inline void Store4(int32_t* z, int32x4_t re, int32x4_t im) {
  const int32x4x2_t x = {{re, im}};
  vst2q_s32(z, x);
}

// Stage() with four butterflies at a time.
template <int kSpan>
inline void Stage4(int32_t* data) {
  constexpr int kLeg = 2 * kSpan;
  constexpr uint32_t kTwiddleStep = 6 * (kFftPoints / (4 * kSpan));
  const uint32x4_t offsets = vmulq_n_u32(vidupq_n_u32(0, 1), kTwiddleStep);
  for (int32_t* block = data; block < data + 2 * kFftPoints; block += 4 * kLeg) {
    const int32_t* w = kTwiddleQ31;
    for (int32_t* p = block; p < block + kLeg; p += 8, w += 4 * kTwiddleStep) {
      const Complex4 b = Rotate4(p + kLeg, w, offsets);
      const Complex4 d = Rotate4(p + 3 * kLeg, w + 4, offsets);
      const int32x4_t ur = vaddq_s32(b.re, d.re), ui = vaddq_s32(b.im, d.im);
      const int32x4_t vr = vsubq_s32(b.re, d.re), vi = vsubq_s32(b.im, d.im);
      const Complex4 c = Rotate4(p + 2 * kLeg, w + 2, offsets);
      const int32x4x2_t x = vld2q_s32(p);
      const int32x4_t ar = vshrq_n_s32(x.val[0], 1), ai = vshrq_n_s32(x.val[1], 1);
      const int32x4_t sr = vaddq_s32(ar, c.re), si = vaddq_s32(ai, c.im);
      Store4(p, vaddq_s32(sr, ur), vaddq_s32(si, ui));
      Store4(p + 2 * kLeg, vsubq_s32(sr, ur), vsubq_s32(si, ui));
      const int32x4_t tr = vsubq_s32(ar, c.re), ti = vsubq_s32(ai, c.im);
      Store4(p + kLeg, vaddq_s32(tr, vi), vsubq_s32(ti, vr));
      Store4(p + 3 * kLeg, vsubq_s32(tr, vi), vaddq_s32(ti, vr));
    }
  }
}

#endif  // KWS_FRONTEND_MVE

template <int kSpan>
inline void StagesFrom(int32_t* data) {
  if constexpr (kSpan < kFftPoints) {
    static_assert(4 * kSpan <= kFftPoints, "all stages but the first have radix 4");
#if KWS_FRONTEND_MVE
    if constexpr (kSpan % 4 == 0) {
      Stage4<kSpan>(data);
    } else {
      Stage<kSpan>(data);
    }
#else
    Stage<kSpan>(data);
#endif
    StagesFrom<4 * kSpan>(data);
  }
}

}  // namespace

void TransformStages(int32_t* data) { StagesFrom<kFirstRadix>(data); }

void RealSplit(int32_t* data) {
  int32_t* z = data + 2;
  int32_t* m = data + 2 * (kFftPoints - 1);
  const int32_t* w = kSplitQ31 + 2;
#if KWS_FRONTEND_MVE
  const uint32x4_t backwards = vddupq_n_u32(6, 2);
  for (; z + 6 < m - 6; z += 8, m -= 8, w += 8) {
    const int32x4x2_t x = vld2q_s32(z), t = vld2q_s32(w);
    const int32x4_t zr = vshrq_n_s32(x.val[0], 1), zi = vshrq_n_s32(x.val[1], 1);
    const int32x4_t mr = vshrq_n_s32(vldrwq_gather_shifted_offset_s32(m - 6, backwards), 1);
    const int32x4_t mi = vshrq_n_s32(vldrwq_gather_shifted_offset_s32(m - 5, backwards), 1);
    const int32x4_t br = vsubq_s32(zr, mr), bi = vaddq_s32(zi, mi), cos = t.val[0], sin = t.val[1];
    const int32x4_t p = vaddq_s32(vrmulhq_s32(bi, cos), vrmulhq_s32(br, vnegq_s32(sin)));
    const int32x4_t q = vaddq_s32(vrmulhq_s32(br, cos), vrmulhq_s32(bi, sin));
    const int32x4_t ar = vshrq_n_s32(vaddq_s32(zr, mr), 1), ai = vshrq_n_s32(vsubq_s32(zi, mi), 1);
    Store4(z, vaddq_s32(ar, p), vsubq_s32(ai, q));
    vstrwq_scatter_shifted_offset_s32(m - 6, backwards, vsubq_s32(ar, p));
    vstrwq_scatter_shifted_offset_s32(m - 5, backwards, vaddq_s32(ai, q));
  }
#endif
  for (; z < m; z += 2, m -= 2, w += 2) {
    // A = (Z[k] + conj(Z[M - k])) / 2, B = (Z[k] - conj(Z[M - k])) / 2; halves first, sums would exceed 32 bits.
    const int32_t zr = z[0] >> 1, zi = z[1] >> 1, mr = m[0] >> 1, mi = m[1] >> 1;
    const int32_t ar = zr + mr, ai = zi - mi, br = zr - mr, bi = zi + mi;
    const int32_t cos = w[0], sin = w[1];
    const int32_t p = MulSubR(MulR(bi, cos), br, sin);
    const int32_t q = MulAddR(MulR(br, cos), bi, sin);
    z[0] = (ar >> 1) + p;
    z[1] = (ai >> 1) - q;
    m[0] = (ar >> 1) - p;
    m[1] = (ai >> 1) + q;
  }
  z[0] >>= 1;  // bin kFftPoints / 2 is its own mirror
  z[1] >>= 1;
}

}  // namespace kws::frontend

#endif  // KWS_FRONTEND_MICRO
