// What drivers see of the model of registers. Small: every source of a driver includes it.
#pragma once

#include <cstdint>

namespace kws::model {

// Those of the model's Chip, see register_model.h.
uint32_t Load(uintptr_t address);
void Store(uintptr_t address, uint32_t value);
uint32_t AddressOf(const volatile void* memory);
void Interrupt();
void SetMasked(bool masked);
void Sleep();

// What Register() gives to a driver here; `volatile uint32_t&` on a chip.
class Reference {
 public:
  explicit Reference(uintptr_t address) : address_(address) {}
  Reference(const Reference&) = default;
  operator uint32_t() const { return Load(address_); }  // NOLINT(google-explicit-constructor): as a word
  // Nothing is returned: assignments of registers do not stand in a row.
  void operator=(uint32_t value) { Store(address_, value); }  // NOLINT(misc-unconventional-assign-operator)
  void operator=(const Reference& other) { *this = static_cast<uint32_t>(other); }  // NOLINT
  void operator|=(uint32_t bits) { *this = *this | bits; }
  void operator&=(uint32_t bits) { *this = *this & bits; }

 private:
  uintptr_t address_;
};

}  // namespace kws::model
