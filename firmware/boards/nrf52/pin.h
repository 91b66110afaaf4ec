// Pins of the nRF52. Private to firmware/boards.
#pragma once

#include <cstdint>

#include "cortex_m/access.h"
#include "nrf52/nrf52_registers.h"

namespace kws::board {

// P<port>.<number>.
struct Pin {
  uint32_t port;
  uint32_t number;

  constexpr uintptr_t base() const { return port == 0 ? kPort0 : kPort1; }
  constexpr uint32_t mask() const { return 1u << number; }

  // What the PSEL registers of peripherals take; a pin that is connected has bit 31 clear.
  constexpr uint32_t Psel() const { return uarte::kPselPin(number) | uarte::kPselPort(port); }
};
static_assert(uarte::kPselPin.mask() == pdm::kPselPin.mask() && uarte::kPselPort.mask() == pdm::kPselPort.mask(),
              "peripherals name pins alike");

inline void WritePin(Pin pin, bool high) { Register(pin.base() + (high ? gpio::kOutSet : gpio::kOutClr)) = pin.mask(); }

// An output that is `high` from the beginning.
inline void MakeOutput(Pin pin, bool high) {
  WritePin(pin, high);
  Register(pin.base() + gpio::kPinCnf + gpio::kPinCnfStride * pin.number) =
      gpio::kPinCnfDir(gpio::kPinCnfDirOutput) | gpio::kPinCnfInput(gpio::kPinCnfInputDisconnect);
}

// The same, able to feed something: a few milliamperes.
inline void MakeStrongOutput(Pin pin, bool high) {
  WritePin(pin, high);
  Register(pin.base() + gpio::kPinCnf + gpio::kPinCnfStride * pin.number) =
      gpio::kPinCnfDir(gpio::kPinCnfDirOutput) | gpio::kPinCnfInput(gpio::kPinCnfInputDisconnect) |
      gpio::kPinCnfDrive(gpio::kPinCnfDriveHigh);
}

// An input, pulled up where nothing else may drive it.
inline void MakeInput(Pin pin, bool pulled_up) {
  Register(pin.base() + gpio::kPinCnf + gpio::kPinCnfStride * pin.number) =
      gpio::kPinCnfDir(gpio::kPinCnfDirInput) | gpio::kPinCnfInput(gpio::kPinCnfInputConnect) |
      gpio::kPinCnfPull(pulled_up ? gpio::kPinCnfPullPullup : gpio::kPinCnfPullDisabled);
}

}  // namespace kws::board
