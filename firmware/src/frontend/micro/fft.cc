#include "packed.h"
#include "stages.h"

#ifdef KWS_FRONTEND_MICRO

namespace kws::frontend::micro {
namespace {

constexpr int kQuarterQ15 = 32767 / 4, kHalfFactorQ15 = 32767 / 2;

inline uint32_t Twiddle(const int16_t* table, int index) { return LoadPair(table + 2 * index); }

inline uint32_t Quarter(uint32_t z) { return Scale<kQuarterQ15>(z, z); }

// Transform of four points, `leg` apart.
inline void Butterfly(uint32_t* p, int leg, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  const uint32_t s = Add(a, c), t = Subtract(a, c), u = Add(b, d), v = Subtract(b, d);
  p[0] = Add(s, u);
  p[leg] = SubtractTurned(t, v);
  p[2 * leg] = Subtract(s, u);
  p[3 * leg] = AddTurned(t, v);
}

// Stage of spans of one point. Its only twiddle, 32767, changes nothing: the quarters are within +-8192.
inline void FirstStage(uint32_t* points, int shift) {
  const auto load = [shift](uint32_t z) { return Scale<kQuarterQ15>(z << shift, (z & 0xFFFF0000) << shift); };
  for (uint32_t* p = points; p < points + kFftPoints; p += 4) {
    Butterfly(p, 1, load(p[0]), load(p[1]), load(p[2]), load(p[3]));
  }
}

// Combines 4 transforms of kSpan points into one, for each block of 4 kSpan points.
template <int kSpan>
inline void Stage(uint32_t* points) {
  constexpr int kStep = kFftPoints / (4 * kSpan);  // from one twiddle to the next
  for (int n = 0; n < kSpan; ++n) {
    const uint32_t w1 = Twiddle(kTwiddleQ15, n * kStep);
    const uint32_t w2 = Twiddle(kTwiddleQ15, 2 * n * kStep);
    const uint32_t w3 = Twiddle(kTwiddleQ15, 3 * n * kStep);
    for (uint32_t* p = points + n; p < points + kFftPoints; p += 4 * kSpan) {
      const uint32_t a = Quarter(p[0]);
      const uint32_t b = Multiply(Quarter(p[kSpan]), w1);
      const uint32_t c = Multiply(Quarter(p[2 * kSpan]), w2);
      const uint32_t d = Multiply(Quarter(p[3 * kSpan]), w3);
      Butterfly(p, kSpan, a, b, c, d);
    }
  }
}

}  // namespace

void TransformStages(uint32_t* points, int shift) {
  FirstStage(points, shift);
  Stage<4>(points);
  Stage<16>(points);
  Stage<64>(points);
}

void SplitToEnergies(uint32_t* points) {
  for (int k = 1; k <= kFftPoints / 2; ++k) {
    uint32_t* const mirror = points + kFftPoints - k;
    const uint32_t lower = Scale<kHalfFactorQ15>(points[k], points[k]);
    const uint32_t upper = Scale<kHalfFactorQ15>(*mirror, Subtract(0, *mirror));  // -32768 stays
    const uint32_t sum = Add(lower, upper);
    const uint32_t turned = Multiply(Subtract(lower, upper), Twiddle(kSplitQ15, k - 1));
    points[k] = Energy(HalfSum(sum, turned));
    // The middle bin is its own mirror, and this is what the library leaves there.
    const uint32_t conjugate = HalfDifference(turned, sum);
    *mirror = Energy(Pack(Low(HalfDifference(sum, turned)), High(conjugate)));
  }
}

}  // namespace kws::frontend::micro

#endif  // KWS_FRONTEND_MICRO
