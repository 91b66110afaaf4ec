// What the linker script (firmware/platform/ldscripts) defines: only the addresses of these mean anything.
#pragma once

#include <cstdint>

extern "C" {
extern uint32_t __stack_low, __stack_top, __handler_stack_low, __handler_stack_top;
extern uint32_t __data_start, __data_end, __data_load, __bss_start, __bss_end;
extern void (*__init_array_start[])();
extern void (*__init_array_end[])();
}
