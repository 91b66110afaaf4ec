// The non-maskable interrupt: of flash where it was expected, else a fault as any other.
#include "cortex_m/line_handlers.h"
#include "disco_l475vg_iot01a/torn_units.h"

// Nothing is pushed: a fault's handler finds the interrupted code's frame where the core put it.
extern "C" __attribute__((naked)) void KwsNonMaskableInterrupt() {
  __asm volatile(
      "ldr r0, =g_reads_torn_units\n"
      "ldrb r0, [r0]\n"
      "cmp r0, #0\n"
      "beq.w KwsFaultHandler\n"
      "b.w KwsTornUnit\n"
      ".ltorg\n");
}
