// Pulse density at 1.024 MHz to PCM at 16 kHz. Equal, bit for bit, to training/kws_reference/audio/pdm.py. Private to
// firmware/boards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pdm/sum_decimator.h"

namespace kws::pdm {

// Of one writer, an interrupt say. Place it in static memory: 0.5 KB.
class PdmDecimator {
 public:
  PdmDecimator() { Restart(); }

  // As if silence had been heard for ever.
  void Restart();

  // Makes `samples` int16 of kWordsPerSample words each; the first bit of a word is its highest.
  void Run(const uint16_t* words, size_t samples, int16_t* out);

 private:
  void Sum(const uint16_t* words, size_t count, int16_t* sums);

  uint64_t coming_ = 0;  // 16 bits for each of the sums that bits so far take part in, the next one lowest
  SumDecimator rest_;
};

}  // namespace kws::pdm
