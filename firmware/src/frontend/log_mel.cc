#include "fixed_point.h"
#include "stages.h"

namespace kws::frontend {
namespace {

// 4 |z| by table, at most 2^31 for |z| at most 2^29; 0 is taken for 1.
inline uint32_t MagnitudeQ2(int32_t re, int32_t im) {
  const uint64_t power = static_cast<uint64_t>(int64_t{re} * re + int64_t{im} * im);
  const uint32_t high = static_cast<uint32_t>(power >> 32);
  uint32_t low = static_cast<uint32_t>(power);
  // An even shift brings the power's leading bit to one of the two highest; `v` holds the upper 32 bits then.
  uint32_t v;
  int half_shift;
  if (__builtin_expect(high != 0, true)) {
    const int shift = CountLeadingZeros(high) & ~1;  // 6..30: the power is below 2^58
    v = (high << shift) | (low >> (32 - shift));
    half_shift = shift >> 1;
  } else {
    low |= 1;
    const int shift = CountLeadingZeros(low) & ~1;
    v = low << shift;
    half_shift = 16 + (shift >> 1);
  }
  const uint32_t* entry = &kSqrtQ31[static_cast<int>(v >> 25) - 32];
  const uint32_t rise = static_cast<uint32_t>((uint64_t{entry[1] - entry[0]} * (v << 7)) >> 32);
  return (entry[0] + rise) >> (half_shift - 3);
}

// log2 in Q10 of `energy`, of which 2^one is 1.0, floored at 0.
inline int32_t Log2Q10(uint64_t energy, int one) {
  const uint32_t high = static_cast<uint32_t>(energy >> 32);
  uint32_t v;
  int exponent;
  if (high != 0) {
    const int zeros = CountLeadingZeros(high);  // at least 1: the energy is below 2^52
    v = (high << zeros) | (static_cast<uint32_t>(energy) >> (32 - zeros));
    exponent = 63 - zeros;
  } else {
    const uint32_t low = energy != 0 ? static_cast<uint32_t>(energy) : 1;
    const int zeros = CountLeadingZeros(low);
    v = low << zeros;
    exponent = 31 - zeros;
  }
  const uint16_t* entry = &kLog2Q15[static_cast<int>(v >> 25) - 64];
  const uint32_t rise = (static_cast<uint32_t>(entry[1] - entry[0]) * ((v >> 9) & 0xFFFF)) >> 16;
  const int32_t log_q15 = (exponent - one) * 32768 + static_cast<int32_t>(entry[0] + rise);
  const int32_t log_q10 = (log_q15 + 16) >> 5;
  return log_q10 > 0 ? log_q10 : 0;
}

}  // namespace

void LogMel(const int32_t* spectrum, int shift, int16_t* log_mel) {
  // Magnitude 1.0 in units of PCM is 2^(16 + shift - kScaleBits + 2), and the weights add 16 bits.
  const int one = 34 - kScaleBits + shift;
  const int32_t* bin = spectrum + 2 * kMelFirstBin;
  const uint16_t* weight = kMelWeightQ16;
  uint64_t band = 0;  // what the segment below gave to the band that rises over it
  for (int segment = 0; segment <= kMelBands; ++segment) {
    uint64_t rising = 0, total = 0;
    for (int count = kMelSegmentBins[segment]; count > 0; --count) {
      const uint32_t magnitude = MagnitudeQ2(bin[0], bin[1]);
      rising += uint64_t{magnitude} * *weight++;
      total += magnitude;
      bin += 2;
    }
    // One multiplication a bin: where a band's weight is w, the weight of the band below is 1 - w.
    if (segment > 0) {
      const uint64_t energy = band + ((total << 16) - rising);
      log_mel[segment - 1] = static_cast<int16_t>(Log2Q10(energy, one) - kLogOffsetQ10);
    }
    band = rising;
  }
}

}  // namespace kws::frontend
