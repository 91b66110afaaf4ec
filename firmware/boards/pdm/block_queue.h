// What a microphone's interrupt does with blocks of PCM: the first ones, while the microphone settles, are forgotten,
// the others go to the ring, and what never came is counted. Private to firmware/boards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/sample_ring.h"

namespace kws::pdm {

inline constexpr size_t kBlockSamples = 160;  // 10 ms at 16 kHz

// Written by one interrupt, read by the main thread. Place it in static memory.
class BlockQueue {
 public:
  // Forgets everything. Only while no interrupt writes.
  //   settling_blocks  that will be forgotten
  void Restart(uint32_t settling_blocks) {
    ring_.Clear();
    missed_ = 0;
    settling_ = settling_blocks;
  }

  // Appends kBlockSamples. The interrupt's alone.
  void Write(const int16_t* samples) {
    if (settling_ != 0) {
      settling_ = settling_ - 1;
      return;
    }
    ring_.Write(samples, kBlockSamples);
  }

  // Counts samples that were lost before they became PCM. The interrupt's alone.
  void Miss(size_t samples) { missed_ = missed_ + static_cast<uint32_t>(samples); }

  size_t Read(int16_t* out, size_t capacity) { return ring_.Read(out, capacity); }
  bool is_empty() const { return ring_.is_empty(); }
  uint32_t lost() const { return missed_ + ring_.lost(); }

 private:
  SampleRing<1024> ring_;  // 64 ms: six blocks, which come while steps are computed and reported
  volatile uint32_t missed_ = 0;
  volatile uint32_t settling_ = 0;
};

}  // namespace kws::pdm
