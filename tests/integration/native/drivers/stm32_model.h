// What tests of drivers of the STM32 share: flags that follow after some looks, settings that only a resting peripheral
// may get, and bits of a microphone.
#pragma once

#include <cstdint>
#include <vector>

#include "cortex_m/field.h"
#include "register_model.h"

namespace kws::model {

constexpr uint32_t kLooksUntilReady = 20;

// A bit of a register that the hardware sets, or clears, as another one of it says, some looks later.
class Follower {
 public:
  Follower(uintptr_t address, board::Field leader, board::Field follower)
      : address_(address), leader_(leader.mask()), follower_(follower.mask()) {}

  // To be called at each look.
  void Look() {
    const uint32_t word = Chip::Get().word(address_);
    const bool wanted = (word & leader_) != 0 && works;
    if (wanted == ((word & follower_) != 0)) {
      looks_ = 0;
    } else if (++looks_ >= kLooksUntilReady) {
      Chip::Get().Set(address_, wanted ? word | follower_ : word & ~follower_);
    }
  }

  bool works = true;

 private:
  uintptr_t address_;
  uint32_t leader_;
  uint32_t follower_;
  uint32_t looks_ = 0;
};

// The next 16 bits of a microphone.
class Bits {
 public:
  uint16_t Next() {
    state_ = 1664525u * state_ + 1013904223u;
    words_.push_back(static_cast<uint16_t>(state_ >> 16));
    return words_.back();
  }

  // All so far.
  const std::vector<uint16_t>& words() const { return words_; }

 private:
  uint32_t state_ = 1;
  std::vector<uint16_t> words_;
};

}  // namespace kws::model
