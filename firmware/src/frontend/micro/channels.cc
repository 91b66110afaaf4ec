#include "frontend/fixed_point.h"
#include "stages.h"

#ifdef KWS_FRONTEND_MICRO

namespace kws::frontend::micro {
namespace {

constexpr int kSnrBits = 12, kShrunkBits = 6;
constexpr uint32_t kOneQ12 = 1U << 12, kOneQ14 = 1U << 14;

// Square root of a number below 2^32, rounded down, and what remains of the number.
inline uint32_t Root32(uint32_t n, uint32_t* rest) {
  uint32_t root = 0;
#pragma GCC unroll 16
  for (uint32_t bit = 1U << 30; bit != 0; bit >>= 2) {
    const uint32_t next = root + bit;
    root >>= 1;
    if (n >= next) {
      n -= next;
      root += bit;
    }
  }
  *rest = n;
  return root;
}

// Square root of a number below 2^48, rounded; for numbers below 2^32 at most 65535, as in the library.
inline uint32_t Root(uint64_t n) {
  const uint32_t high = static_cast<uint32_t>(n >> 32), low = static_cast<uint32_t>(n);
  uint32_t rest;
  if (high == 0) {
    const uint32_t root = Root32(low, &rest);
    return root + (rest > root && root != 0xFFFF);
  }
  // The root of the upper 32 bits, and 8 more bits of it by one division (P. Zimmermann, Karatsuba Square Root).
  const int shift = (CountLeadingZeros(high) - 16) & ~1;
  const uint64_t scaled = n << shift;  // 2^46 or more
  const uint32_t upper = Root32(static_cast<uint32_t>(scaled >> 16), &rest);
  const uint32_t digits = static_cast<uint32_t>(scaled) & 0xFFFF;
  const uint32_t dividend = rest << 8 | digits >> 8;
  const uint32_t quotient = dividend / (2 * upper);
  uint32_t root = (upper << 8) + quotient;
  const uint32_t remainder = dividend - quotient * 2 * upper;
  if ((remainder << 8 | (digits & 0xFF)) < quotient * quotient) --root;
  root >>= shift >> 1;
  return root + (low - root * root > root);  // what remains is below 2^25: the low words hold it
}

// The signal less its noise, of which the estimate follows the signal.
inline uint32_t WithoutNoise(uint32_t signal, uint32_t smoothing_q14, uint32_t* noise) {
  const uint32_t scaled = signal << kSmoothingBits;
  const uint64_t mixed = uint64_t{scaled} * smoothing_q14 + uint64_t{*noise} * (kOneQ14 - smoothing_q14);
  const uint32_t estimate = static_cast<uint32_t>(mixed >> 14);
  *noise = estimate;
  const uint32_t floor = static_cast<uint32_t>((uint64_t{signal} * kMinSignalRemainingQ14) >> 14);
  const uint32_t subtracted = (scaled - (estimate < scaled ? estimate : scaled)) >> kSmoothingBits;
  return subtracted > floor ? subtracted : floor;
}

// Ratio of signal and noise with kShrunkBits fractional bits, squared and less 1 where that is smaller.
inline uint32_t Normalised(uint32_t signal, uint32_t noise) {
  const int bits = noise == 0 ? 0 : 32 - CountLeadingZeros(noise);
  const int16_t* row = kGain + 4 * bits;
  const int32_t fraction = static_cast<int32_t>((bits < 11 ? noise << (11 - bits) : noise >> (bits - 11)) & 0x3FF);
  const int32_t slope = (row[2] * fraction >> 5) + row[1] * 32;
  const uint32_t gain = static_cast<uint32_t>(row[0] + ((slope * fraction + (1 << 14)) >> 15));
  const uint32_t snr = static_cast<uint32_t>((uint64_t{signal} * gain) >> kSnrShift);
  if (snr < 2 * kOneQ12) return (snr * snr) >> (2 + 2 * kSnrBits - kShrunkBits);
  return (snr >> (kSnrBits - kShrunkBits)) - (1U << kShrunkBits);
}

// Natural logarithm in units of 2^-kLogScaleShift, 0 of numbers below 2.
inline int32_t Log(uint32_t value) {
  if (value < 2) return 0;
  const int whole = 31 - CountLeadingZeros(value);
  const uint32_t above = value - (1U << whole);
  const int32_t fraction = static_cast<int32_t>(whole < 16 ? above << (16 - whole) : above >> (whole - 16));
  const uint16_t* entry = kLog2Q16 + (fraction >> 9);
  // The library's shift: 9 bits would interpolate.
  const int32_t between = ((entry[1] - entry[0]) * (fraction & 0x1FF)) >> 16;
  const uint32_t log2_q16 = static_cast<uint32_t>((whole << 16) + fraction + entry[0] + between);
  constexpr uint32_t kLn2Q16 = 45426, kHalf = 1U << 15;
  const uint32_t natural = static_cast<uint32_t>((uint64_t{kLn2Q16} * log2_q16 + kHalf) >> 16);
  const uint32_t scaled = ((natural << kLogScaleShift) + kHalf) >> 16;
  return scaled < 0xFFFF ? static_cast<int32_t>(scaled) : 0xFFFF;
}

inline int8_t Quantized(int32_t log) {
  const int32_t value = (kFeatureMultiplier * log + kFeatureOffset) >> kFeatureShift;
  return static_cast<int8_t>(value < -128 ? -128 : (value > 127 ? 127 : value));
}

void ObserveEnergies(const uint32_t* energy, const Observer& observer) {
  int bins = 0;
  for (int segment = 0; segment <= kCoefficients; ++segment) bins += kSegmentBins[segment];
  for (int bin = 0; bin < bins; ++bin) observer.on_value(observer.context, MicroStage::kSpectrum, energy[bin]);
}

}  // namespace

void ChannelFeatures(const uint32_t* energies, int shift, uint32_t* noise, int8_t* features, const Observer& observer) {
  const uint32_t* energy = energies + kFirstBin;
  if (observer.on_value != nullptr) ObserveEnergies(energy, observer);
  const int16_t* weight = kWeightQ12;
  uint64_t from_below = 0;  // of a bin in segment c channel c takes the weight, and channel c + 1 the rest
  for (int segment = 0; segment <= kCoefficients; ++segment) {
    uint64_t all = 0, weighted = 0;
    for (const int16_t* end = weight + kSegmentBins[segment]; weight < end; ++weight, ++energy) {
      all += *energy;
      weighted += uint64_t{*energy} * static_cast<uint32_t>(*weight);
    }
    if (segment > 0) {
      const int c = segment - 1;
      const uint32_t magnitude = Root(from_below + weighted) >> shift;
      const uint32_t smoothing = c % 2 == 0 ? kEvenSmoothingQ14 : kOddSmoothingQ14;
      const uint32_t less = WithoutNoise(magnitude, smoothing, noise + c);
      uint32_t signal = less;
      if constexpr (kGainControl) signal = Normalised(less, noise[c]);
      const int32_t log = Log(signal << kCorrectionBits);
      features[c] = Quantized(log);
      if (observer.on_value != nullptr) {
        observer.on_value(observer.context, MicroStage::kFilterBank, magnitude);
        observer.on_value(observer.context, MicroStage::kNoiseReduction, noise[c]);
        observer.on_value(observer.context, MicroStage::kNoiseReduction, less);
        observer.on_value(observer.context, MicroStage::kGainControl, signal);
        observer.on_value(observer.context, MicroStage::kLogarithm, static_cast<uint32_t>(log));
      }
    }
    from_below = all * kOneQ12 - weighted;
  }
}

}  // namespace kws::frontend::micro

#endif  // KWS_FRONTEND_MICRO
