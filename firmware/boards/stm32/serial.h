// The serial port of an STM32, a USART that board_config.h names: 921,600 bit/s, 8N1. Private to firmware/boards.
#pragma once

#include <cstdint>

namespace kws::board {

constexpr uint32_t kBaud = 921600;

// Receives by interrupt, or, where somebody else sees to it that no byte is lost (QEMU), when asked.
//   bus_hz  clock of the USART's bus
//   polled  ReadSerial() asks the USART, and Idle() enables its interrupt: no interrupt disturbs what is counted
void StartSerial(uint32_t bus_hz, bool polled);

// Whether ReadSerial() would give some. For Idle(), with interrupts masked.
bool SerialHasBytes();

// Lets a byte wake the core, or no longer, where the port is polled. For Idle(), with interrupts masked.
void WakeByPolledSerial(bool wake);

// Clears the cause of an overrun where that takes more than reading the status and then the data. Each family defines
// it.
void ClearSerialOverrun();

}  // namespace kws::board
