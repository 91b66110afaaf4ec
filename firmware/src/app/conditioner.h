// What a microphone's samples go through before the front end: no constant part, and a gain. Equal, bit for bit, to
// training/kws_reference/audio/conditioning.py.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::app {

class Conditioner {
 public:
  static constexpr uint16_t kUnityGainQ8 = 256;
  static constexpr uint16_t kMaxGainQ8 = 32767;  // of any sample less any level the product fits int32

  // Starts anew: `gain_q8` is 1 to kMaxGainQ8.
  void Start(uint16_t gain_q8, bool remove_dc);

  // Changes `count` samples in place.
  void Run(int16_t* samples, size_t count);

 private:
  int32_t level_q14_ = 0;  // constant part so far
  uint16_t gain_q8_ = kUnityGainQ8;
  bool remove_dc_ = true;
};

}  // namespace kws::app
