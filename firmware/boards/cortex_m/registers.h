// The few registers of the Cortex-M core that start-up, faults and counters need, at their architectural addresses.
#pragma once

#include <cstdint>

#include "cortex_m/access.h"

namespace kws::board {

constexpr uintptr_t kIcsr = 0xE000ED04;
constexpr uintptr_t kVtor = 0xE000ED08;
constexpr uintptr_t kAircr = 0xE000ED0C;
constexpr uintptr_t kCcr = 0xE000ED14;
constexpr uintptr_t kShcsr = 0xE000ED24;
constexpr uintptr_t kCfsr = 0xE000ED28;
constexpr uintptr_t kHfsr = 0xE000ED2C;
constexpr uintptr_t kMmfar = 0xE000ED34;
constexpr uintptr_t kBfar = 0xE000ED38;
constexpr uintptr_t kMpuType = 0xE000ED90;
constexpr uintptr_t kMpuControl = 0xE000ED94;
constexpr uintptr_t kMpuRegionNumber = 0xE000ED98;
constexpr uintptr_t kMpuRegionBase = 0xE000ED9C;
constexpr uintptr_t kMpuRegionAttributes = 0xE000EDA0;  // Armv7-M
constexpr uintptr_t kCpacr = 0xE000ED88;
constexpr uintptr_t kDemcr = 0xE000EDFC;
constexpr uintptr_t kDwtControl = 0xE0001000;
constexpr uintptr_t kDwtCycleCount = 0xE0001004;
constexpr uintptr_t kNvicSetEnable = 0xE000E100;
constexpr uintptr_t kNvicClearEnable = 0xE000E180;
constexpr uintptr_t kNvicClearPending = 0xE000E280;
constexpr uintptr_t kNvicPriority = 0xE000E400;

// The core's timer, SysTick (Arm v7-M and v8-M Architecture Reference Manuals).
constexpr uintptr_t kSysTickControl = 0xE000E010;
constexpr uintptr_t kSysTickReload = 0xE000E014;  // 24 bits
constexpr uintptr_t kSysTickValue = 0xE000E018;
constexpr uint32_t kSysTickRuns = 1u << 0;
constexpr uint32_t kSysTickInterrupts = 1u << 1;
constexpr uint32_t kSysTickCountsCoreClocks = 1u << 2;  // otherwise the chip's maker chose a clock

constexpr uint32_t kIcsrClearPendingTick = 1u << 25;  // PENDSTCLR
constexpr uint32_t kIcsrClearPendingCall = 1u << 27;  // PENDSVCLR

constexpr uint32_t kCfsrMemoryStacking = 1u << 4;  // MSTKERR
constexpr uint32_t kCfsrMemoryAddressValid = 1u << 7;  // MMARVALID
constexpr uint32_t kCfsrBusStacking = 1u << 12;    // STKERR
constexpr uint32_t kCfsrStackOverflow = 1u << 20;  // STKOF, Armv8-M only

inline void EnableInterruptLine(uint32_t line) { Register(kNvicSetEnable + 4 * (line / 32)) = 1u << (line % 32); }
inline void DisableInterruptLine(uint32_t line) {
  Register(kNvicClearEnable + 4 * (line / 32)) = 1u << (line % 32);
  SynchronizationBarrier();
}
inline void ClearPendingLine(uint32_t line) { Register(kNvicClearPending + 4 * (line / 32)) = 1u << (line % 32); }

// 0 to 255, of which a chip has the upper bits; the lower one goes first.
inline void SetLinePriority(uint32_t line, uint32_t priority) {
  const uintptr_t address = kNvicPriority + line / 4 * 4;
  const uint32_t shift = line % 4 * 8;
  Register(address) = (Register(address) & ~(0xFFu << shift)) | (priority << shift);
}

}  // namespace kws::board
