// Pins of ST's STM32F4 and STM32L4, and what sets registers up. Private to firmware/boards.
#pragma once

#include <cstdint>

#include "cortex_m/access.h"
#include "stm32/stm32_registers.h"

namespace kws::board {

// A pin, and the clock of its port.
struct Pin {
  uintptr_t port;
  Field enable;  // in the register of RCC that has the ports' clocks
  uint32_t number;  // 0 to 15
  uint32_t function;  // alternate function, 0 to 15
};

// The field of a pin, of a register that has one for each in a row, of which those of pins 0 and 1 are known.
constexpr Field OfPin(Field first, Field second, uint32_t pin) {
  return {first.position + pin * (second.position - first.position), first.width};
}

// The field that begins with one and ends with another: the vendor's description has each bit of some fields alone.
constexpr Field Span(Field first, Field last) { return {first.position, last.position + last.width - first.position}; }

inline void ReplaceField(uintptr_t address, Field field, uint32_t value) {
  Register(address) = field.Replace(Register(address), value);
}

// Waits for bits of a register, for at most some milliseconds.
inline bool WaitFor(uintptr_t address, uint32_t mask, uint32_t value) {
  for (uint32_t tries = 0; tries < 50000; ++tries) {
    if ((Register(address) & mask) == value) return true;
  }
  return false;
}

// Hands a pin to a peripheral, with fast edges. The port's clock runs.
inline void UseAlternate(const Pin& pin) {
  constexpr uint32_t kPinsOfEach = 8;
  const uintptr_t functions = pin.port + (pin.number < kPinsOfEach ? gpio::kAfrl : gpio::kAfrh);
  static_assert(gpio::kAfrh8.position == gpio::kAfrl0.position, "the upper pins' register is as the lower ones'");
  ReplaceField(functions, OfPin(gpio::kAfrl0, gpio::kAfrl1, pin.number % kPinsOfEach), pin.function);
  ReplaceField(pin.port + gpio::kOspeedr, OfPin(gpio::kOspeedr0, gpio::kOspeedr1, pin.number), gpio::kOspeedrHigh);
  ReplaceField(pin.port + gpio::kModer, OfPin(gpio::kModer0, gpio::kModer1, pin.number), gpio::kModerAlternate);
}

// Pulls a pin up.
inline void PullUp(const Pin& pin) {
  ReplaceField(pin.port + gpio::kPupdr, OfPin(gpio::kPupdr0, gpio::kPupdr1, pin.number), gpio::kPupdrUp);
}

// Makes a pin an output, low.
inline void UseOutput(const Pin& pin) {
  Register(pin.port + gpio::kBsrr) = gpio::kBr0.mask() << pin.number;
  ReplaceField(pin.port + gpio::kModer, OfPin(gpio::kModer0, gpio::kModer1, pin.number), gpio::kModerOutput);
}

inline void SetOutput(const Pin& pin, bool high) {
  Register(pin.port + gpio::kBsrr) = (high ? gpio::kBs0 : gpio::kBr0).mask() << pin.number;
}

}  // namespace kws::board
