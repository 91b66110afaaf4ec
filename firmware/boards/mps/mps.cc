// The Arm MPS2 and MPS3 boards: CMSDK UART and the FPGA's counter. board_config.h of the board holds the addresses.
//
// The serial port is polled: QEMU holds the host back while the receive register is full, so nothing is lost, and no
// interrupt disturbs the counts but the recorded microphone's. A real FPGA board has one byte of room between two calls
// of ReadSerial().
#include <cstddef>
#include <cstdint>

#include "board_config.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/core.h"
#include "cortex_m/registers.h"
#include "kws/board.h"
#include "kws/microphone.h"

namespace kws::board {
namespace {

constexpr uintptr_t kUartData = kUart + 0x00;
constexpr uintptr_t kUartState = kUart + 0x04;
constexpr uintptr_t kUartControl = kUart + 0x08;
constexpr uintptr_t kUartInterrupt = kUart + 0x0C;
constexpr uintptr_t kUartDivider = kUart + 0x10;
constexpr uint32_t kStateTransmitFull = 1u << 0;
constexpr uint32_t kStateReceiveFull = 1u << 1;
constexpr uint32_t kStateReceiveOverrun = 1u << 3;
constexpr uint32_t kControlTransmit = 1u << 0;
constexpr uint32_t kControlReceive = 1u << 1;
constexpr uint32_t kControlReceiveInterrupt = 1u << 3;
constexpr uint32_t kInterruptReceive = 1u << 1;
constexpr uint32_t kDivider = 27;  // 25 MHz / 27 = 926 kbit/s, 0.5 % off 921,600; the least that the UART takes is 16

// Advances with the core's clock.
constexpr uintptr_t kFpgaCounter = kFpgaio + 0x18;
constexpr Fraction kTicksPerInstruction = TicksPerInstruction(kClockHz, kInstructionNs);
static_assert(kTicksPerInstruction.numerator > kTicksPerInstruction.denominator,
              "instructions would not be told apart");

bool g_instructions;  // the FPGA's counter advances with instructions
uint32_t g_overruns;

uint32_t FpgaCounter() { return Register(kFpgaCounter); }

}  // namespace

void Init() {
  Register(kUartDivider) = kDivider;
  Register(kUartControl) = kControlTransmit | kControlReceive | kControlReceiveInterrupt;
  StartCycleCounter();
  g_instructions = !g_counts_cycles &&
                   CountsInstructions(FpgaCounter, kTicksPerInstruction.numerator, kTicksPerInstruction.denominator);
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  size_t count = 0;
  while (count < capacity) {
    const uint32_t state = Register(kUartState);
    if ((state & kStateReceiveOverrun) != 0) {
      Register(kUartState) = kStateReceiveOverrun;
      if (g_overruns != UINT32_MAX) ++g_overruns;
    }
    if ((state & kStateReceiveFull) == 0) break;
    out[count++] = static_cast<uint8_t>(Register(kUartData));
  }
  return count;
}

void WriteSerial(const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    while ((Register(kUartState) & kStateTransmitFull) != 0) {
    }
    Register(kUartData) = data[i];
  }
}

uint32_t SerialOverruns() { return g_overruns; }

uint32_t Idle() {
  // With interrupts masked a byte still makes the line pending and wakes the core, but no handler is entered. A byte
  // that arrived before the line was cleared shows in the state register. The line is enabled only here.
  __asm volatile("cpsid i" ::: "memory");
  Register(kUartInterrupt) = kInterruptReceive;
  ClearPendingLine(kSerialInterruptLine);
  EnableInterruptLine(kSerialInterruptLine);
  if ((Register(kUartState) & kStateReceiveFull) == 0 && !microphone::HasSamples())
    __asm volatile("dsb\n wfi" ::: "memory");
  DisableInterruptLine(kSerialInterruptLine);
  const uint32_t woke = Ticks();
  __asm volatile("cpsie i" ::: "memory");
  return woke;
}

uint32_t Ticks() { return g_counts_cycles ? CycleCount() : FpgaCounter(); }

TickInfo Clock() {
  if (g_counts_cycles) return {TickInfo::kCycles, 1, 1};
  // Instructions per tick.
  if (g_instructions) {
    return {TickInfo::kInstructions, kTicksPerInstruction.denominator, kTicksPerInstruction.numerator};
  }
  return {TickInfo::kNone, 1, 1};
}

}  // namespace kws::board
