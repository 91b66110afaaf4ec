// Netduino Plus 2 (STM32F405RG), the chip and QEMU's picture of it.
//
// Serial port: USART6, 3.3 V. On the chip an interrupt moves received bytes to a ring, so that a step of the network
// may take its time. QEMU has neither clocks nor a cycle counter: there the port is polled (QEMU holds the host back
// while the receive register is full), and timer 2 counts instructions.
#include <cstdint>

#include "board_config.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/core.h"
#include "cortex_m/registers.h"
#include "kws/board.h"
#include "kws/microphone.h"
#include "stm32/serial.h"
#include "stm32f4/clocks.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board {
namespace {

// QEMU's timer runs at 1 GHz, whatever the clocks; divided so that it advances once an instruction.
constexpr uint32_t kEmulatedTimer2Hz = 1000000000;
constexpr uint32_t kTimer2PrescalerReload = kInstructionNs - 1;
constexpr Fraction kTicksPerInstruction = TicksPerInstruction(kEmulatedTimer2Hz / kInstructionNs, kInstructionNs);
static_assert(kTicksPerInstruction.numerator == 1 && kTicksPerInstruction.denominator == 1, "one tick an instruction");

bool g_instructions;  // timer 2 counts instructions

uint32_t Timer2() { return Register(kTim2 + tim::kCnt); }

void StartTimer2() {
  Register(kRcc + rcc::kApb1Enr) |= rcc::kTim2En.mask();
  Register(kTim2 + tim::kPsc) = kTimer2PrescalerReload;
  Register(kTim2 + tim::kArr) = 0xFFFFFFFF;  // 32 bits wide
  Register(kTim2 + tim::kEgr) = tim::kUg.mask();  // take the prescaler over
  Register(kTim2 + tim::kCr1) = tim::kCen.mask();
}

}  // namespace

void Init() {
  StartCycleCounter();
  const bool fast = StartClocks();
  StartSerial(fast ? kSerialBusHz : kInternalOscillatorHz, !g_counts_cycles);
  if (g_counts_cycles) return;
  StartTimer2();
  g_instructions = CountsInstructions(Timer2, kTicksPerInstruction.numerator, kTicksPerInstruction.denominator);
}

uint32_t Idle() {
  MaskInterrupts();  // a byte that arrives from here on still wakes the core
  WakeByPolledSerial(true);
  if (!SerialHasBytes() && !microphone::HasSamples()) WaitForInterrupt();
  WakeByPolledSerial(false);
  const uint32_t woke = Ticks();
  UnmaskInterrupts();
  return woke;
}

uint32_t Ticks() { return g_counts_cycles ? CycleCount() : Timer2(); }

TickInfo Clock() {
  if (g_counts_cycles) return {TickInfo::kCycles, 1, 1};
  if (g_instructions) return {TickInfo::kInstructions, 1, 1};
  return {TickInfo::kNone, 1, 1};
}

}  // namespace kws::board
