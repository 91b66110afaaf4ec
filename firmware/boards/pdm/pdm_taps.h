// DO NOT EDIT. The decimators of pulse density as training/kws_reference/audio/pdm.py defines them.
// Regenerate: python -m kws_firmware.make_pdm_taps --overwrite
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::pdm {

inline constexpr size_t kWordsPerSample = 4;  // of 16 bits
inline constexpr size_t kSumsPerSample = 8;
inline constexpr size_t kSumStep = 4;
inline constexpr size_t kHalfStep = 2;
inline constexpr int kFullSum = 4096;

// A bit's weight in the sums, by its age.
inline constexpr size_t kSumTapCount = 29;
inline constexpr uint16_t kSumTaps[kSumTapCount] = {
  1, 4, 10, 20, 35, 56, 84, 120, 161, 204, 246, 284,
  315, 336, 344, 336, 315, 284, 246, 204, 161, 120, 84, 56,
  35, 20, 10, 4, 1,
};

// 128 kHz to 32 kHz, Q15: the first half of symmetric taps.
inline constexpr size_t kTapCount128k = 44;
alignas(4) inline constexpr int16_t kTaps128k[kTapCount128k / 2] = {
  4, 12, 19, 23, -2, -51, -103, -136, -64, 104, 316, 473,
  348, -77, -718, -1291, -1264, -376, 1468, 3921, 6180, 7598,
};

// 32 kHz to 16 kHz, Q15: the first half of every second tap; the middle one is a half, the others are 0.
inline constexpr size_t kHalfBandCount = 40;
alignas(4) inline constexpr int16_t kHalfBand[kHalfBandCount / 2] = {
  -3, 5, -10, 17, -28, 43, -64, 92, -129, 177, -238, 317,
  -418, 549, -724, 968, -1337, 1974, -3408, 10409,
};

}  // namespace kws::pdm
