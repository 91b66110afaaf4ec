// Cost of each layer of the generated Step().
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::aot {

class Profiler {
 public:
  void Set(uint32_t* layer_ticks, uint32_t (*ticks)()) {
    layer_ticks_ = layer_ticks;
    ticks_ = ticks;
  }

  void Start() {
    if (layer_ticks_ != nullptr) last_ = ticks_();
  }

  // Books everything since Start() or the last call to `layer`.
  void Done(size_t layer) {
    if (layer_ticks_ == nullptr) return;
    const uint32_t now = ticks_();
    layer_ticks_[layer] += now - last_;
    last_ = now;
  }

 private:
  uint32_t* layer_ticks_ = nullptr;
  uint32_t (*ticks_)() = nullptr;
  uint32_t last_ = 0;
};

}  // namespace kws::aot
