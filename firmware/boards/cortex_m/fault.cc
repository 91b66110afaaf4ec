// Every exception that nobody expects ends here: fill a FaultRecord, hand it to the application, restart.
#include <cstdint>

#include "cortex_m/core.h"
#include "cortex_m/linker_symbols.h"
#include "cortex_m/registers.h"
#include "kws/board.h"

extern "C" [[noreturn]] void KwsReportFault(const uint32_t* frame, uint32_t exc_return);

namespace kws::board {
namespace {

constexpr uint32_t kFrameBytes = 32;
// A frame pushed this close to the low end, or below it, means that the stack was used up.
constexpr uint32_t kOverflowMarginBytes = 16;

bool g_reporting;  // a fault inside OnFault(): no second report

bool Inside(uintptr_t address, const uint32_t& low, const uint32_t& top) {
  return address >= reinterpret_cast<uintptr_t>(&low) && address + kFrameBytes <= reinterpret_cast<uintptr_t>(&top);
}

uint32_t TypeOf(uint32_t exception, uint32_t cfsr, uint32_t mmfar, uintptr_t frame, bool thread_stack) {
  const auto low = reinterpret_cast<uintptr_t>(&__stack_low);
  if ((cfsr & kCfsrStackOverflow) != 0) return kFaultStackOverflow;
  if (thread_stack && frame < low + kOverflowMarginBytes) return kFaultStackOverflow;
  if ((cfsr & kCfsrMemoryAddressValid) != 0 && mmfar < low && mmfar >= low - kStackGuardBytes) {
    return kFaultStackOverflow;
  }
  return exception < 16 ? exception : static_cast<uint32_t>(kFaultUnexpectedInterrupt);
}

}  // namespace
}  // namespace kws::board

// Finds the interrupted code's frame, then starts over at the top of the handler stack: whatever ran there will not
// go on.
extern "C" __attribute__((naked)) void KwsFaultHandler() {
  __asm volatile(
      "cpsid i\n"
      "tst lr, #4\n"
      "ite eq\n"
      "mrseq r0, msp\n"
      "mrsne r0, psp\n"
      "mov r1, lr\n"
      "ldr r2, =__handler_stack_top\n"
      "msr msp, r2\n"
      "b KwsReportFault\n");
}

extern "C" void KwsReportFault(const uint32_t* frame, uint32_t exc_return) {
  using namespace kws;
  using namespace kws::board;
  const auto address = reinterpret_cast<uintptr_t>(frame);
  const bool thread_stack = (exc_return & 4) != 0;
  FaultRecord record{};
  record.cfsr = Register(kCfsr);
  record.hfsr = Register(kHfsr);
  record.mmfar = Register(kMmfar);
  record.bfar = Register(kBfar);
  record.type = TypeOf(Register(kIcsr) & 0x1FF, record.cfsr, record.mmfar, address, thread_stack);
  record.sp = static_cast<uint32_t>(address);
  const bool stacked = (record.cfsr & (kCfsrMemoryStacking | kCfsrBusStacking | kCfsrStackOverflow)) == 0;
  if (stacked &&
      (Inside(address, __stack_low, __stack_top) || Inside(address, __handler_stack_low, __handler_stack_top))) {
    record.lr = frame[5];
    record.pc = frame[6];
    record.xpsr = frame[7];
    record.sp += kFrameBytes;
  }
  if (!g_reporting) {
    g_reporting = true;
    app::OnFault(record);
  }
  Restart();
}

namespace kws::board {

void Restart() {
  __asm volatile("dsb" ::: "memory");
  Register(kAircr) = 0x05FA0004;  // SYSRESETREQ
  __asm volatile("dsb" ::: "memory");
  for (;;) {
  }
}

}  // namespace kws::board

// What the C and C++ libraries would bring along with a heap or stdio.
extern "C" {
[[noreturn]] void abort();
[[noreturn]] void abort() {
  __builtin_trap();  // an undefined instruction: reported as a UsageFault with the place
}
[[noreturn]] void __cxa_pure_virtual();
[[noreturn]] void __cxa_pure_virtual() { abort(); }
// Objects with static storage are never destroyed: the firmware does not end.
int __aeabi_atexit(void*, void (*)(void*), void*);
int __aeabi_atexit(void*, void (*)(void*), void*) { return 0; }
extern void* const __dso_handle;
void* const __dso_handle = nullptr;
}
