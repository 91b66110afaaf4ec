#include "fixed_point.h"
#include "stages.h"

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

// Combines 4 transforms of kSpan points into one, for each block of 4 kSpan points. Values grow by at most 2: four legs,
// halved.
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

template <int kSpan>
inline void StagesFrom(int32_t* data) {
  if constexpr (kSpan < kFftPoints) {
    static_assert(4 * kSpan <= kFftPoints, "all stages but the first have radix 4");
    Stage<kSpan>(data);
    StagesFrom<4 * kSpan>(data);
  }
}

}  // namespace

void TransformStages(int32_t* data) { StagesFrom<kFirstRadix>(data); }

void RealSplit(int32_t* data) {
  int32_t* z = data + 2;
  int32_t* m = data + 2 * (kFftPoints - 1);
  for (const int32_t* w = kSplitQ31 + 2; z < m; z += 2, m -= 2, w += 2) {
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
