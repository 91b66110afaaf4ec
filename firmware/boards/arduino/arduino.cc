// A board under an Arduino core, of whatever chip. Compiled and run against stand-ins of the cores; not tried on a
// board.
//
// The core owns main(), the clocks, the serial port and the fault handlers: its main() calls setup(), which starts the
// application. Faults end in the core's own report, not in kws::app::OnFault().
#include <cstddef>
#include <cstdint>

#include "kws/board.h"

// Last, for the macros of Arduino.h must not reach the headers above.
#include "arduino/core.h"

void setup() {
  kws::board::Init();
  kws::board::Exit(kws::app::Main());
}

void loop() {}

namespace kws::board {
namespace {

bool g_counts;  // the counter advances: a debugger, a missing unit or a lock may keep it from that

}  // namespace

void Init() {
  PrepareSerial();
  Serial.begin(921600);  // where it is USB, the number does not matter
  StartCycles();
  const uint32_t before = Cycles();
  yield();
  g_counts = Cycles() != before;
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  size_t count = 0;
  while (count < capacity && Serial.available() > 0) out[count++] = static_cast<uint8_t>(Serial.read());
  return count;
}

void WriteSerial(const uint8_t* data, size_t size) {
  while (size > 0 && Serial) {  // where it is USB and nobody has the port open, the bytes have nowhere to go
    const size_t sent = Serial.write(data, size);
    data += sent;
    size -= sent;
  }
}

uint32_t SerialOverruns() { return 0; }  // no core says; USB holds the host back

uint32_t Idle() {
  const uint32_t now = Ticks();  // it need not sleep
  yield();
  return now;
}

uint32_t Ticks() { return g_counts ? Cycles() : 0; }

TickInfo Clock() { return {g_counts ? TickInfo::kCycles : TickInfo::kNone, 1, 1}; }

const char* Name() { return KWS_BOARD_NAME; }

// The stack is that of the core's main thread; it is not ours to paint.
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
  Serial.flush();  // what was answered last leaves the port before
  ResetChip();
  for (;;) {
  }
}

}  // namespace kws::board
