// What a board gives to the firmware. Declared here, defined in boards/<name>/; the linker joins them, nothing is
// virtual.
//
// Except where noted the functions are for the main thread only: not interrupt safe, not re-entrant.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/fault.h"

namespace kws {

namespace app {
// Defined by the application. Called by the fault handler, on a stack of its own, interrupts masked, with the record of
// the fault. May use WriteSerial(), Ticks() and nothing that waits for an interrupt. The board restarts when it
// returns.
void OnFault(const FaultRecord& record);

// The application itself, for boards whose main() belongs to somebody else (macro ARDUINO or KWS_BOARD_HAS_MAIN; all
// others have main() in its place). Called once, after board::Init(); does not return.
int Main();
}  // namespace app

namespace board {

// What a difference of two Ticks() means, where `kind` names the unit. With kNone there is no counter and Ticks() stays
// 0.
struct TickInfo {
  enum Kind : uint8_t {
    kNone = 0,  // nothing can be measured
    kInstructions = 1,  // executed instructions: exact in QEMU under -icount, no cycle count
    kCycles = 2,  // core clock cycles of the real chip
  };
  Kind kind;
  uint32_t numerator;
  uint32_t denominator;  // never 0

  // ticks * numerator / denominator, the nearest whole number: of emulated instructions that is the exact count.
  uint32_t Units(uint32_t ticks) const {
    return static_cast<uint32_t>((uint64_t{ticks} * numerator + denominator / 2) / denominator);
  }
};

// Clocks, serial port, tick counter. The start-up code calls it before main(): call it no second time.
void Init();

// Copies bytes that have arrived to `out` and returns how many, 0 to `capacity`. Never waits. The emulated UARTs lose
// nothing. On hardware the receiver has room for what arrives between two calls, as much as the board's file states,
// and the host's credits keep it from overflowing.
size_t ReadSerial(uint8_t* out, size_t capacity);

// Sends `size` bytes; returns when the last was handed to the port's transmitter, and, where a restart would cut it off
// there, has left it. Allowed in OnFault().
void WriteSerial(const uint8_t* data, size_t size);

// Bytes that the port dropped since Init() because nobody fetched them in time (saturates). 0 is the only good value.
uint32_t SerialOverruns();

// Called while there is nothing to do: sleeps until the next interrupt, or returns at once, as it does when a byte or
// samples of the microphone have arrived meanwhile. Returns Ticks() as they were when it woke, before any interrupt.
uint32_t Idle();

// Free-running counter, wraps at 2^32. Interrupt safe. Take differences in uint32_t arithmetic.
uint32_t Ticks();

// The meaning of Ticks(), measured once in Init().
TickInfo Clock();

// Short name of the board, as platformio.ini and PlatformIO's file of it have it. Never null.
const char* Name();

// Size of the stack that the application runs on; 0 where it is not known, and nothing of it is measured.
uint32_t StackSizeBytes();

// Deepest use of the stack since the last PaintStack() (which start-up calls first), found by the paint left over.
uint32_t StackUsedBytes();

// Paints the unused part of the stack below the caller again, so that StackUsedBytes() measures from here on.
void PaintStack();

// True when the guard words at the low end of the stack are intact. Boards with a hardware limit fault before.
bool StackGuardIntact();

// Called on each turn of the application's main loop. The first call starts the watchdog, where the board has one: from
// then on the chip is reset when a turn takes longer than the board's file states. It rests while the core sleeps.
void FeedWatchdog();

// Whether the watchdog caused this start. Of a board without one: false.
bool StartedByWatchdog();

// Shows whether a detection was raised of late, where the board has a light for it.
void ShowDetection(bool detected);

// Ends the program: emulated boards stop the emulator, whose exit status is `code` (0 to 255); others stop for good.
[[noreturn]] void Exit(int code);

// Resets the chip.
[[noreturn]] void Restart();

}  // namespace board
}  // namespace kws
