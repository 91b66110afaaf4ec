// The serial port of an STM32F4, which board_config.h names: a USART, 921,600 bit/s, 8N1. Private to firmware/boards.
#pragma once

#include <cstdint>

#include "stm32/chip.h"

namespace kws::board {

constexpr uint32_t kBaud = 921600;

// Receives by interrupt, or, where somebody else sees to it that no byte is lost (QEMU), when asked.
//   bus_hz  clock of the USART's bus
//   polled  ReadSerial() asks the USART, and Idle() enables its interrupt: no interrupt disturbs what is counted
void StartSerial(uint32_t bus_hz, bool polled);

// Lets a byte wake the core, or no longer, where the port is polled. For Idle(), with interrupts masked.
void WakeByPolledSerial(bool wake);

}  // namespace kws::board
