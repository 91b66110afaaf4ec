// What a processor fault leaves behind: the board records it, the link carries it (FAULT).
//
// DO NOT EDIT. Generated from training/kws_reference/protocol/messages.py, where to change it; then regenerate:
// python -m kws_codegen.protocol --overwrite
#pragma once

#include <cstdint>

namespace kws {

// All addresses are those of the board.
struct FaultRecord {
  uint32_t type;  // FaultType
  uint32_t pc;  // instruction that faulted; 0: the exception frame could not be read
  uint32_t lr;  // its link register
  uint32_t sp;  // main stack pointer at the fault
  uint32_t xpsr;
  uint32_t cfsr;  // SCB->CFSR
  uint32_t hfsr;  // SCB->HFSR
  uint32_t mmfar;  // SCB->MMFAR, meaningful when CFSR says so
  uint32_t bfar;  // SCB->BFAR, meaningful when CFSR says so
};

// Below 16: the exception's number on the core.
enum FaultType : uint32_t {
  kFaultNmi = 2,
  kFaultHard = 3,
  kFaultMemory = 4,
  kFaultBus = 5,
  kFaultUsage = 6,
  kFaultSecure = 7,
  kFaultUnexpectedInterrupt = 16,
  kFaultStackOverflow = 256,
  kFaultWatchdog = 257,
};

// Text for a FaultType, never null.
constexpr const char* FaultTypeName(uint32_t type) {
  switch (type) {
    case kFaultNmi:
      return "NMI";
    case kFaultHard:
      return "HardFault";
    case kFaultMemory:
      return "MemManage fault";
    case kFaultBus:
      return "BusFault";
    case kFaultUsage:
      return "UsageFault";
    case kFaultSecure:
      return "SecureFault";
    case kFaultUnexpectedInterrupt:
      return "unexpected interrupt";
    case kFaultStackOverflow:
      return "stack overflow";
    case kFaultWatchdog:
      return "watchdog";
    default:
      return "unknown fault";
  }
}

}  // namespace kws
