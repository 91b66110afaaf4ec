// Vector table and the way from reset to main().
//
// Thread code runs on the process stack, handlers on a small main stack of their own: a fault that the thread's stack
// caused still finds a good stack to report on.
#include <cstddef>
#include <cstdint>

#include "board_config.h"
#include "cortex_m/core.h"
#include "cortex_m/leftovers.h"
#include "cortex_m/line_handlers.h"
#include "cortex_m/linker_symbols.h"
#include "cortex_m/registers.h"
#include "kws/board.h"

int main();

extern "C" {
[[noreturn]] void Reset_Handler();
[[noreturn]] void KwsStart();
void KwsFaultHandler();
}

namespace kws::board {
namespace {

using Handler = void (*)();

struct VectorTable {
  const void* initial_stack;
  Handler core[15];
  Handler lines[kInterruptLines];
};

constexpr VectorTable MakeVectorTable() {
  VectorTable table{};
  table.initial_stack = &__handler_stack_top;
  for (Handler& handler : table.core) handler = KwsFaultHandler;
  for (Handler& handler : table.lines) handler = KwsFaultHandler;
  table.core[0] = Reset_Handler;
  for (const ExceptionHandler& used : kExceptionHandlers) table.core[used.exception - 1] = used.handler;
  for (const LineHandler& used : kLineHandlers) table.lines[used.line] = used.handler;
  return table;
}

__attribute__((section(".vectors"), used)) constexpr VectorTable kVectors = MakeVectorTable();

void CopyAndClearMemory() {
  // Word loops written out: the library's memcpy may use the floating point unit, which is off here on some boards.
  const volatile uint32_t* from = &__data_load;
  for (volatile uint32_t* to = &__data_start; to < &__data_end;) *to++ = *from++;
  for (volatile uint32_t* to = &__bss_start; to < &__bss_end;) *to++ = 0;
}

}  // namespace
}  // namespace kws::board

// Moves thread mode to the process stack, then goes on in KwsStart(). Naked: there is no stack frame to lose.
extern "C" __attribute__((naked)) void Reset_Handler() {
  __asm volatile(
      "cpsid i\n"
      "ldr r0, =__handler_stack_top\n"
      "msr msp, r0\n"
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
      "ldr r0, =__handler_stack_low\n"
      "msr msplim, r0\n"
      "ldr r0, =__stack_low\n"
      "msr psplim, r0\n"
#endif
      "ldr r0, =__stack_top\n"
      "msr psp, r0\n"
      "movs r0, #2\n"
      "msr control, r0\n"
      "isb\n"
      "b KwsStart\n");
}

extern "C" [[noreturn]] void KwsStart() {
  using namespace kws::board;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  Register(kCpacr) |= 0xFu << 20;  // full access to CP10 and CP11: floating point, and Helium where there is one
  __asm volatile("dsb\n isb" ::: "memory");
#endif
  Register(kVtor) = reinterpret_cast<uint32_t>(&kVectors);
  ClearLeftovers(kInterruptLines);
  Register(kShcsr) |= 7u << 16;  // usage, bus and memory faults have their own exceptions
  Register(kCcr) |= 1u << 4;     // dividing by zero is a fault
  CopyAndClearMemory();
  UnmaskInterrupts();  // a handler finds its variables
  PaintStack();
  GuardStack();
  for (auto constructor = __init_array_start; constructor != __init_array_end; ++constructor) (*constructor)();
  Init();
  Exit(main());
}
