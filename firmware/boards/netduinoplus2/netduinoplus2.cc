// Netduino Plus 2 (STM32F405RG), the chip and QEMU's picture of it.
//
// Serial port: USART6 on the header's D1 (PC6, sends) and D0 (PC7, receives), 921,600 bit/s, 8N1, 3.3 V.
// On the chip an interrupt moves received bytes to a ring of kRingBytes, so that a step of the network may take its
// time. QEMU has neither clocks nor a cycle counter: there the port is polled (QEMU holds the host back while the
// receive register is full), and timer 2 counts instructions.
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

constexpr uintptr_t kRcc = 0x40023800;
constexpr uintptr_t kRccControl = kRcc + 0x00;
constexpr uintptr_t kRccPll = kRcc + 0x04;
constexpr uintptr_t kRccConfig = kRcc + 0x08;
constexpr uintptr_t kRccAhb1Enable = kRcc + 0x30;
constexpr uintptr_t kRccApb1Enable = kRcc + 0x40;
constexpr uintptr_t kRccApb2Enable = kRcc + 0x44;
constexpr uintptr_t kFlashAccess = 0x40023C00;
constexpr uintptr_t kGpioC = 0x40020800;
constexpr uintptr_t kUsart6 = 0x40011400;
constexpr uintptr_t kUsartStatus = kUsart6 + 0x00;
constexpr uintptr_t kUsartData = kUsart6 + 0x04;
constexpr uintptr_t kUsartBaud = kUsart6 + 0x08;
constexpr uintptr_t kUsartControl1 = kUsart6 + 0x0C;
constexpr uintptr_t kTimer2 = 0x40000000;

constexpr uint32_t kUsartReceived = 1u << 5;
constexpr uint32_t kUsartOverrun = 1u << 3;
constexpr uint32_t kUsartTransmitEmpty = 1u << 7;
constexpr uint32_t kUsartReceiveInterrupt = 1u << 5;

// QEMU's timer runs at 1 GHz, whatever the clocks; divided so that it advances once an instruction.
constexpr uint32_t kEmulatedTimer2Hz = 1000000000;
constexpr uint32_t kTimer2PrescalerReload = kInstructionNs - 1;
constexpr Fraction kTicksPerInstruction = TicksPerInstruction(kEmulatedTimer2Hz / kInstructionNs, kInstructionNs);
static_assert(kTicksPerInstruction.numerator == 1 && kTicksPerInstruction.denominator == 1, "one tick an instruction");

constexpr uint32_t kBaud = 921600;
constexpr uint32_t kApb2Hz = 84000000;
constexpr uint32_t kInternalOscillatorHz = 16000000;

constexpr uint32_t kRingBytes = 4096;  // 44 ms at full speed, two steps of the network; a power of two
static_assert((kRingBytes & (kRingBytes - 1)) == 0, "indices wrap by masking");

// Written by the interrupt (head) and the main thread (tail); both only grow.
volatile uint32_t g_head;
volatile uint32_t g_tail;
uint8_t g_ring[kRingBytes];
volatile uint32_t g_overruns;

bool g_instructions;  // timer 2 counts instructions

// Waits for bits of a clock register, for at most some milliseconds: QEMU never sets them.
bool WaitFor(uintptr_t address, uint32_t mask, uint32_t value) {
  for (uint32_t tries = 0; tries < 50000; ++tries) {
    if ((Register(address) & mask) == value) return true;
  }
  return false;
}

// 168 MHz from the crystal: 25 MHz / 25 * 336 / 2; APB1 42 MHz, APB2 84 MHz, five wait states, caches on.
// Returns false, and stays on the 16 MHz internal oscillator, where the crystal does not start.
bool StartClocks() {
  Register(kRccApb1Enable) |= 1u << 28;  // power controller; its reset value already allows 168 MHz
  Register(kRccControl) |= 1u << 16;     // crystal on
  if (!WaitFor(kRccControl, 1u << 17, 1u << 17)) return false;
  Register(kRccPll) = 25u | (336u << 6) | (0u << 16) | (1u << 22) | (7u << 24);
  Register(kRccControl) |= 1u << 24;  // PLL on
  if (!WaitFor(kRccControl, 1u << 25, 1u << 25)) return false;
  Register(kFlashAccess) = 5u | (1u << 8) | (1u << 9) | (1u << 10);
  Register(kRccConfig) = (5u << 10) | (4u << 13);
  Register(kRccConfig) |= 2u;
  return WaitFor(kRccConfig, 3u << 2, 2u << 2);
}

void StartSerial(uint32_t clock_hz) {
  Register(kRccAhb1Enable) |= 1u << 2;  // port C
  Register(kRccApb2Enable) |= 1u << 5;  // USART6
  const uint32_t settled = Register(kRccApb2Enable);  // the clock runs two cycles after the write
  (void)settled;
  Register(kGpioC + 0x00) = (Register(kGpioC + 0x00) & ~(0xFu << 12)) | (0xAu << 12);  // PC6, PC7: alternate function
  Register(kGpioC + 0x08) = (Register(kGpioC + 0x08) & ~(0xFu << 12)) | (0xAu << 12);  // fast edges
  Register(kGpioC + 0x0C) = (Register(kGpioC + 0x0C) & ~(0xFu << 12)) | (0x4u << 12);  // PC7 pulled up: idle when open
  Register(kGpioC + 0x20) = (Register(kGpioC + 0x20) & ~(0xFFu << 24)) | (0x88u << 24);  // function 8: USART6
  Register(kUsartBaud) = (clock_hz + kBaud / 2) / kBaud;
  Register(kUsartControl1) = (1u << 13) | (1u << 3) | (1u << 2);  // on, transmit, receive
}

uint32_t Timer2() { return Register(kTimer2 + 0x24); }

void StartTimer2() {
  Register(kRccApb1Enable) |= 1u << 0;
  Register(kTimer2 + 0x28) = kTimer2PrescalerReload;
  Register(kTimer2 + 0x2C) = 0xFFFFFFFF;  // 32 bits wide
  Register(kTimer2 + 0x14) = 1;  // take the prescaler over
  Register(kTimer2 + 0x00) = 1;  // count
}

void CountOverrun() {
  if (g_overruns != UINT32_MAX) g_overruns = g_overruns + 1;
}

}  // namespace

void Init() {
  StartCycleCounter();
  const bool fast = StartClocks();
  StartSerial(fast ? kApb2Hz : kInternalOscillatorHz);
  if (g_counts_cycles) {
    Register(kUsartControl1) |= kUsartReceiveInterrupt;
    EnableInterruptLine(kSerialInterruptLine);
    return;
  }
  StartTimer2();
  g_instructions = CountsInstructions(Timer2, kTicksPerInstruction.numerator, kTicksPerInstruction.denominator);
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  size_t count = 0;
  if (!g_counts_cycles) {
    while (count < capacity && (Register(kUsartStatus) & kUsartReceived) != 0) {
      out[count++] = static_cast<uint8_t>(Register(kUsartData));
    }
    return count;
  }
  uint32_t tail = g_tail;
  const uint32_t head = g_head;
  while (count < capacity && tail != head) {
    out[count++] = g_ring[tail % kRingBytes];
    ++tail;
  }
  __asm volatile("dmb" ::: "memory");  // the bytes are copied before their room is given back
  g_tail = tail;
  return count;
}

void WriteSerial(const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    while ((Register(kUsartStatus) & kUsartTransmitEmpty) == 0) {
    }
    Register(kUsartData) = data[i];
  }
}

uint32_t SerialOverruns() { return g_overruns; }

uint32_t Idle() {
  __asm volatile("cpsid i" ::: "memory");  // a byte that arrives from here on still wakes the core
  if (g_counts_cycles) {
    if (g_head == g_tail && !microphone::HasSamples()) __asm volatile("dsb\n wfi" ::: "memory");
  } else {
    Register(kUsartControl1) |= kUsartReceiveInterrupt;
    ClearPendingLine(kSerialInterruptLine);
    EnableInterruptLine(kSerialInterruptLine);
    if ((Register(kUsartStatus) & kUsartReceived) == 0 && !microphone::HasSamples())
      __asm volatile("dsb\n wfi" ::: "memory");
    Register(kUsartControl1) &= ~kUsartReceiveInterrupt;
    DisableInterruptLine(kSerialInterruptLine);
  }
  const uint32_t woke = Ticks();
  __asm volatile("cpsie i" ::: "memory");
  return woke;
}

uint32_t Ticks() { return g_counts_cycles ? CycleCount() : Timer2(); }

TickInfo Clock() {
  if (g_counts_cycles) return {TickInfo::kCycles, 1, 1};
  if (g_instructions) return {TickInfo::kInstructions, 1, 1};
  return {TickInfo::kNone, 1, 1};
}

}  // namespace kws::board

// Only on the chip. Reading the status and then the data register clears the causes, overrun included.
extern "C" void KwsSerialInterrupt() {
  using namespace kws::board;
  const uint32_t status = Register(kUsartStatus);
  const auto byte = static_cast<uint8_t>(Register(kUsartData));
  if ((status & kUsartOverrun) != 0) CountOverrun();
  if ((status & kUsartReceived) == 0) return;
  const uint32_t head = g_head;
  if (head - g_tail == kRingBytes) {
    CountOverrun();
    return;
  }
  g_ring[head % kRingBytes] = byte;
  __asm volatile("dmb" ::: "memory");  // the byte is there before the index says so
  g_head = head + 1;
}
