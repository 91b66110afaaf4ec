// Registers that ST's STM32F4 and STM32L4 have alike, named as in their reference manuals.
//
// A declaration, nothing else: tests/support/register_headers.py says what may stand here, and a test compares every
// constant with the vendor's description of the chips, by the name behind it.
//
// svd: STM32F41x.svd STM32L4x5.svd
#pragma once

#include <cstdint>

#include "cortex_m/field.h"

namespace kws::board {

constexpr uintptr_t kIwdg = 0x40003000;  // IWDG
constexpr uintptr_t kPwr = 0x40007000;   // PWR

namespace gpio {                           // GPIOA GPIOB GPIOC GPIOD GPIOE
constexpr uintptr_t kModer = 0x00;         // MODER
constexpr Field kModer0{0, 2};             // MODER:MODER0
constexpr Field kModer1{2, 2};             // MODER:MODER1
constexpr uint32_t kModerOutput = 1;       // MODER:MODER0=Output unlisted: RM0090 8.4.1, RM0351 8.4.1
constexpr uint32_t kModerAlternate = 2;    // MODER:MODER0=Alternate unlisted: RM0090 8.4.1, RM0351 8.4.1
constexpr uintptr_t kOspeedr = 0x08;       // OSPEEDR
constexpr Field kOspeedr0{0, 2};           // OSPEEDR:OSPEEDR0
constexpr Field kOspeedr1{2, 2};           // OSPEEDR:OSPEEDR1
constexpr uint32_t kOspeedrHigh = 2;       // OSPEEDR:OSPEEDR0=High unlisted: RM0090 8.4.3, RM0351 8.4.3
constexpr uintptr_t kPupdr = 0x0C;         // PUPDR
constexpr Field kPupdr0{0, 2};             // PUPDR:PUPDR0
constexpr Field kPupdr1{2, 2};             // PUPDR:PUPDR1
constexpr uint32_t kPupdrUp = 1;           // PUPDR:PUPDR0=Up unlisted: RM0090 8.4.4, RM0351 8.4.4
constexpr uintptr_t kBsrr = 0x18;          // BSRR
constexpr Field kBs0{0, 1};                // BSRR:BS0
constexpr Field kBr0{16, 1};               // BSRR:BR0
constexpr uintptr_t kAfrl = 0x20;          // AFRL
constexpr Field kAfrl0{0, 4};              // AFRL:AFRL0
constexpr Field kAfrl1{4, 4};              // AFRL:AFRL1
constexpr uintptr_t kAfrh = 0x24;          // AFRH
constexpr Field kAfrh8{0, 4};              // AFRH:AFRH8
}  // namespace gpio

namespace iwdg {                           // IWDG
constexpr uintptr_t kKr = 0x00;            // KR
constexpr Field kKey{0, 16};               // KR:KEY
constexpr uint32_t kKeyUnlock = 0x5555;    // KR:KEY=Enable unlisted: RM0090 21.4.1, RM0351 36.4.1
constexpr uint32_t kKeyReload = 0xAAAA;    // KR:KEY=Reset unlisted: RM0090 21.4.1, RM0351 36.4.1
constexpr uint32_t kKeyStart = 0xCCCC;     // KR:KEY=Start unlisted: RM0090 21.4.1, RM0351 36.4.1
constexpr uintptr_t kPr = 0x04;            // PR
constexpr Field kPrescaler{0, 3};          // PR:PR
constexpr uint32_t kPrescaler64 = 4;       // PR:PR=DivideBy64 unlisted: RM0090 21.4.2, RM0351 36.4.2
constexpr uintptr_t kRlr = 0x08;           // RLR
constexpr Field kReload{0, 12};            // RLR:RL
constexpr uintptr_t kSr = 0x0C;            // SR
constexpr Field kPvu{0, 1};                // SR:PVU
constexpr Field kRvu{1, 1};                // SR:RVU
}  // namespace iwdg

}  // namespace kws::board
