#include "stm32/serial.h"

#include <cstddef>

#include "board_config.h"
#include "cortex_m/registers.h"
#include "kws/board.h"
#include "stm32/byte_ring.h"
#include "stm32/pins.h"

namespace kws::board {
namespace {

// Twice what the host may have under way (INFO's credit window, 2 KiB): it never overflows, whatever the main thread
// does.
ByteRing<4096> g_ring;
volatile uint32_t g_overruns;
bool g_polled;

constexpr uintptr_t kStatus = kSerialUsart + usart::kStatus;
constexpr uintptr_t kReceived = kSerialUsart + usart::kReceived;
constexpr uintptr_t kControl = kSerialUsart + usart::kCr1;

void CountOverrun() {
  if (g_overruns != UINT32_MAX) g_overruns = g_overruns + 1;
}

}  // namespace

void StartSerial(uint32_t bus_hz, bool polled) {
  g_polled = polled;
  Register(kRcc + rcc::kPortEnr) |= kSerialSends.enable.mask() | kSerialReceives.enable.mask();
  Register(kRcc + kSerialEnableRegister) |= kSerialEnable.mask();
  // The clock runs two cycles after the write: a read lets them pass.
  const uint32_t settled = Register(kRcc + kSerialEnableRegister);
  (void)settled;
  UseAlternate(kSerialSends);
  PullUp(kSerialReceives);  // idle when open
  UseAlternate(kSerialReceives);
  Register(kSerialUsart + usart::kBrr) = (bus_hz + kBaud / 2) / kBaud;
  Register(kControl) = usart::kUe.mask() | usart::kTe.mask() | usart::kRe.mask();
  if (g_polled) return;
  Register(kControl) |= usart::kRxneIe.mask();
  EnableInterruptLine(kSerialInterruptLine);
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  if (!g_polled) return g_ring.Read(out, capacity);
  size_t count = 0;
  while (count < capacity && (Register(kStatus) & usart::kRxne.mask()) != 0) {
    out[count++] = static_cast<uint8_t>(Register(kReceived));
  }
  return count;
}

bool SerialHasBytes() { return g_polled ? (Register(kStatus) & usart::kRxne.mask()) != 0 : !g_ring.is_empty(); }

void WakeByPolledSerial(bool wake) {
  if (!g_polled) return;
  if (wake) {
    Register(kControl) |= usart::kRxneIe.mask();
    ClearPendingLine(kSerialInterruptLine);
    EnableInterruptLine(kSerialInterruptLine);
  } else {
    Register(kControl) &= ~usart::kRxneIe.mask();
    DisableInterruptLine(kSerialInterruptLine);
  }
}

void WriteSerial(const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    while ((Register(kStatus) & usart::kTxe.mask()) == 0) {
    }
    Register(kSerialUsart + usart::kSent) = data[i];
  }
  if (size == 0) return;
  while ((Register(kStatus) & usart::kTc.mask()) == 0) {  // the chip may be restarted next
  }
}

uint32_t SerialOverruns() { return g_overruns; }

}  // namespace kws::board

extern "C" void KwsSerialInterrupt() {
  using namespace kws::board;
  // Until there is none: QEMU takes the interrupt back when a byte is read, also where it has given the next one then.
  for (;;) {
    const uint32_t status = Register(kStatus);
    if ((status & (usart::kRxne.mask() | usart::kOre.mask())) == 0) return;
    const auto byte = static_cast<uint8_t>(Register(kReceived));
    if ((status & usart::kOre.mask()) != 0) {
      ClearSerialOverrun();
      CountOverrun();
    }
    if ((status & usart::kRxne.mask()) != 0 && !g_ring.Write(byte)) CountOverrun();
  }
}
