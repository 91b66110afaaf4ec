#include "frontend/fixed_point.h"
#include "stages.h"

#ifndef KWS_FRONTEND_MICRO

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

#if KWS_FRONTEND_MVE

// MagnitudeQ2() of four bins.
inline uint32x4_t MagnitudesQ2(const int32_t* bins) {
  const int32x4x2_t z = vld2q_s32(bins);
  const uint32x4_t re = vreinterpretq_u32_s32(z.val[0]), im = vreinterpretq_u32_s32(z.val[1]);
  const uint32x4_t re_low = vmulq_u32(re, re);
  const uint32x4_t low = vaddq_u32(re_low, vmulq_u32(im, im));
  uint32x4_t high = vreinterpretq_u32_s32(vaddq_s32(vmulhq_s32(z.val[0], z.val[0]), vmulhq_s32(z.val[1], z.val[1])));
  high = vaddq_m_n_u32(high, high, 1, vcmphiq_u32(re_low, low));
  const mve_pred16_t wide = vcmpneq_n_u32(high, 0);
  const uint32x4_t top = vpselq_u32(high, vorrq_u32(low, vdupq_n_u32(1)), wide);
  const int32x4_t shift = vreinterpretq_s32_u32(vandq_u32(vclzq_u32(top), vdupq_n_u32(30)));
  uint32x4_t v = vshlq_u32(top, shift);
  v = vorrq_m_u32(v, v, vshlq_u32(low, vsubq_n_s32(shift, 32)), wide);
  const uint32x4_t index = vsubq_n_u32(vshrq_n_u32(v, 25), 32);
  const uint32x4_t entry = vldrwq_gather_shifted_offset_u32(kSqrtQ31, index);
  const uint32x4_t next = vldrwq_gather_shifted_offset_u32(kSqrtQ31 + 1, index);
  const uint32x4_t root = vaddq_u32(entry, vmulhq_u32(vsubq_u32(next, entry), vshlq_n_u32(v, 7)));
  int32x4_t left = vsubq_s32(vdupq_n_s32(3 - 16), vshrq_n_s32(shift, 1));
  left = vaddq_m_n_s32(left, left, 16, wide);
  return vshlq_u32(root, left);
}

// Log2Q10() of four energies in halves, minus kLogOffsetQ10.
inline int32x4_t Logs2Q10(uint32x4_t high, uint32x4_t low, int one) {
  const mve_pred16_t wide = vcmpneq_n_u32(high, 0);
  const uint32x4_t top = vpselq_u32(high, vmaxq_u32(low, vdupq_n_u32(1)), wide);
  const int32x4_t zeros = vreinterpretq_s32_u32(vclzq_u32(top));
  uint32x4_t v = vshlq_u32(top, zeros);
  v = vorrq_m_u32(v, v, vshlq_u32(low, vsubq_n_s32(zeros, 32)), wide);
  int32x4_t exponent = vsubq_s32(vdupq_n_s32(31 - one), zeros);
  exponent = vaddq_m_n_s32(exponent, exponent, 32, wide);
  const uint32x4_t index = vsubq_n_u32(vshrq_n_u32(v, 25), 64);
  const uint32x4_t entry = vldrhq_gather_shifted_offset_u32(kLog2Q15, index);
  const uint32x4_t next = vldrhq_gather_shifted_offset_u32(kLog2Q15 + 1, index);
  const uint32x4_t fraction = vandq_u32(vshrq_n_u32(v, 9), vdupq_n_u32(0xFFFF));
  const uint32x4_t mantissa = vaddq_u32(entry, vshrq_n_u32(vmulq_u32(vsubq_u32(next, entry), fraction), 16));
  const int32x4_t log_q15 = vaddq_s32(vshlq_n_s32(exponent, 15), vreinterpretq_s32_u32(mantissa));
  const int32x4_t log_q10 = vshrq_n_s32(vaddq_n_s32(log_q15, 16), 5);
  return vsubq_n_s32(vmaxq_s32(log_q10, vdupq_n_s32(0)), kLogOffsetQ10);
}

#endif  // KWS_FRONTEND_MVE

}  // namespace

void LogMel(int32_t* spectrum, int shift, int16_t* log_mel) {  // NOLINT(readability-non-const-parameter): Helium writes
  // Magnitude 1.0 in units of PCM is 2^(16 + shift - kScaleBits + 2), and the weights add 16 bits.
  const int one = 34 - kScaleBits + shift;
  const int32_t* bins = spectrum + 2 * kMelFirstBin;
  const uint16_t* weight = kMelWeightQ16;
#if KWS_FRONTEND_MVE
  // All magnitudes first, four at a time, over the bins that they were made from.
  uint32_t* magnitude = reinterpret_cast<uint32_t*>(spectrum);
  for (int i = 0; i < kMelBins / 4 * 4; i += 4) vst1q_u32(magnitude + i, MagnitudesQ2(bins + 2 * i));
  for (int i = kMelBins / 4 * 4; i < kMelBins; ++i) magnitude[i] = MagnitudeQ2(bins[2 * i], bins[2 * i + 1]);
  uint32_t energy_high[kMelBands], energy_low[kMelBands];
#endif
  uint64_t band = 0;  // what the segment below gave to the band that rises over it
  for (int segment = 0; segment <= kMelBands; ++segment) {
    uint64_t rising = 0, total = 0;
    int count = kMelSegmentBins[segment];
#if KWS_FRONTEND_MVE
    for (int i = 0; i < count; i += 4) {
      const mve_pred16_t inside = vctp32q(count - i);
      const uint32x4_t values = vldrwq_z_u32(magnitude + i, inside);
      rising = vmlaldavaq_u32(rising, values, vldrhq_z_u32(weight + i, inside));
      total = vaddlvaq_u32(total, values);
    }
    magnitude += count;
    weight += count;
#else
    for (; count > 0; --count) {
      const uint32_t value = MagnitudeQ2(bins[0], bins[1]);
      bins += 2;
      rising += uint64_t{value} * *weight++;
      total += value;
    }
#endif
    // One multiplication a bin: where a band's weight is w, the weight of the band below is 1 - w.
    if (segment > 0) {
      const uint64_t energy = band + ((total << 16) - rising);
#if KWS_FRONTEND_MVE
      energy_high[segment - 1] = static_cast<uint32_t>(energy >> 32);
      energy_low[segment - 1] = static_cast<uint32_t>(energy);
#else
      log_mel[segment - 1] = static_cast<int16_t>(Log2Q10(energy, one) - kLogOffsetQ10);
#endif
    }
    band = rising;
  }
#if KWS_FRONTEND_MVE
  for (int b = 0; b < kMelBands / 4 * 4; b += 4) {
    vstrhq_s32(log_mel + b, Logs2Q10(vld1q_u32(energy_high + b), vld1q_u32(energy_low + b), one));
  }
  for (int b = kMelBands / 4 * 4; b < kMelBands; ++b) {
    const uint64_t energy = uint64_t{energy_high[b]} << 32 | energy_low[b];
    log_mel[b] = static_cast<int16_t>(Log2Q10(energy, one) - kLogOffsetQ10);
  }
#endif
}

}  // namespace kws::frontend

#endif  // KWS_FRONTEND_MICRO
