// Arduino Nano 33 BLE Sense (nRF52840, Cortex-M4F at 64 MHz) under the Arduino framework. Compiled and run against
// stand-ins of it; not tried on the board.
//
// Arduino owns main(), the clocks, the USB serial port and the fault handlers: its main() calls setup(), which starts
// the application. Faults end in Mbed's own report, not in kws::app::OnFault().
#include <cstddef>
#include <cstdint>

#include "kws/board.h"

// Last, for its macros (abs, bit, F, PI, word, ...) must not reach the headers above.
#include <Arduino.h>

void setup() {
  kws::board::Init();
  kws::board::Exit(kws::app::Main());
}

void loop() {}

namespace kws::board {

void Init() {
  Serial.begin(921600);  // USB: the number does not matter
  CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
  DWT->CYCCNT = 0;
  DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  size_t count = 0;
  while (count < capacity && Serial.available() > 0) out[count++] = static_cast<uint8_t>(Serial.read());
  return count;
}

void WriteSerial(const uint8_t* data, size_t size) {
  while (size > 0 && Serial) {  // nobody has the port open: the bytes have nowhere to go
    const size_t sent = Serial.write(data, size);
    data += sent;
    size -= sent;
  }
}

uint32_t SerialOverruns() { return 0; }  // USB holds the host back

uint32_t Idle() {
  const uint32_t now = Ticks();  // it need not sleep
  yield();
  return now;
}

uint32_t Ticks() { return DWT->CYCCNT; }

TickInfo Clock() { return {TickInfo::kCycles, 1, 1}; }

const char* Name() { return KWS_BOARD_NAME; }

// The stack is that of Mbed's main thread; it is not ours to paint.
uint32_t StackSizeBytes() { return 0; }
uint32_t StackUsedBytes() { return 0; }
void PaintStack() {}
bool StackGuardIntact() { return true; }

void FeedWatchdog() {}
bool StartedByWatchdog() { return false; }
void ShowDetection(bool) {}

void Exit(int) {
  for (;;) yield();
}

void Restart() {
  NVIC_SystemReset();
  for (;;) {
  }
}

}  // namespace kws::board
