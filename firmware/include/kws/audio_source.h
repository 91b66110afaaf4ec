// Where PCM comes from: the link, a file of the emulator's host, a microphone. The only virtual interface of the kit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws {

class AudioSource {
 public:
  // Copies up to `capacity_samples` int16 samples at the model's rate to `out` and returns how many. Never waits:
  // 0 means none now. Main thread only.
  size_t Read(int16_t* out, size_t capacity_samples) { return DoRead(out, capacity_samples); }

 protected:
  ~AudioSource() = default;  // never deleted through this class

 private:
  virtual size_t DoRead(int16_t* out, size_t capacity_samples) = 0;
};

}  // namespace kws
