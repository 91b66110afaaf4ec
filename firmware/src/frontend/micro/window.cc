#include "packed.h"
#include "stages.h"

#ifdef KWS_FRONTEND_MICRO

namespace kws::frontend::micro {
namespace {

static_assert(kPaddedSamples % 8 == 0 && kPaddedSamples >= kWindowSamples && kPaddedSamples <= kFftSize,
              "the window must fit the transform");
static_assert(kFftPoints == 256, "digits of another number");

// Digits of a number below 64, base 4, reversed.
inline int Reversed(int n) { return (n & 3) << 4 | (n & 12) | n >> 4; }

inline uint32_t Magnitude(int32_t x) { return static_cast<uint32_t>(x < 0 ? -x : x); }

}  // namespace

int WindowReversed(const int16_t* pcm, uint32_t* points) {
  uint32_t bits = 0;
  for (int group = 0; group < kFftPoints / 4; ++group) {
    uint32_t* out = points + Reversed(group);
    if (group < kPaddedSamples / 8) {
#pragma GCC unroll 4
      for (int leg = 0; leg < 4; ++leg) {
        const int n = 8 * group + 2 * leg;
        const uint32_t x = LoadPair(pcm + n), w = LoadPair(kWindowQ12 + n);
        const int32_t re = Low(x) * Low(w) >> 12, im = High(x) * High(w) >> 12;
        bits |= Magnitude(re) | Magnitude(im);
        out[leg * kFftPoints / 4] = Pack(re, im);
      }
    } else {
      for (int leg = 0; leg < 4; ++leg) out[leg * kFftPoints / 4] = 0;
    }
  }
  bits &= 0x7FFF;  // as long as the largest; the library takes -32768 for none
  return bits == 0 ? 15 : CountLeadingZeros(bits) - 17;
}

}  // namespace kws::frontend::micro

#endif  // KWS_FRONTEND_MICRO
