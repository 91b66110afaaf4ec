// Registers of ST's STM32L475 that the boards use besides stm32/stm32_registers.h, named as in RM0351.
//
// A declaration, nothing else: tests/support/register_headers.py says what may stand here, and a test compares every
// constant with the vendor's description of the chips, by the name behind it.
//
// svd: STM32L4x5.svd
#pragma once

#include <cstdint>

#include "cortex_m/field.h"

namespace kws::board {

constexpr uintptr_t kUsart1 = 0x40013800;  // USART1
constexpr uintptr_t kDfsdm = 0x40016000;   // DFSDM
constexpr uintptr_t kDma1 = 0x40020000;    // DMA1
constexpr uintptr_t kRcc = 0x40021000;     // RCC
constexpr uintptr_t kFlash = 0x40022000;   // FLASH
constexpr uintptr_t kGpioB = 0x48000400;   // GPIOB
constexpr uintptr_t kGpioE = 0x48001000;   // GPIOE
constexpr uintptr_t kDbg = 0xE0042000;     // DBGMCU

constexpr uint32_t kDma1Channel4Line = 14;  // interrupt DMA1_Channel4
constexpr uint32_t kUsart1Line = 37;        // interrupt USART1

namespace rcc {                         // RCC
constexpr uintptr_t kCr = 0x00;         // CR
constexpr Field kMsiOn{0, 1};           // CR:MSION
constexpr Field kMsiRdy{1, 1};          // CR:MSIRDY
constexpr Field kMsiPllEn{2, 1};        // CR:MSIPLLEN
constexpr Field kMsiRgSel{3, 1};        // CR:MSIRGSEL
constexpr Field kMsiRange{4, 4};        // CR:MSIRANGE
constexpr uint32_t kMsiRange4MHz = 6;   // CR:MSIRANGE=Range4M unlisted: RM0351 6.4.1
constexpr uint32_t kMsiRange48MHz = 11;  // CR:MSIRANGE=Range48M unlisted: RM0351 6.4.1
constexpr Field kPllOn{24, 1};          // CR:PLLON
constexpr Field kPllRdy{25, 1};         // CR:PLLRDY
constexpr Field kPllSai1On{26, 1};      // CR:PLLSAI1ON
constexpr Field kPllSai1Rdy{27, 1};     // CR:PLLSAI1RDY
constexpr uintptr_t kCfgr = 0x08;       // CFGR
constexpr Field kSw{0, 2};              // CFGR:SW
constexpr uint32_t kSwMsi = 0;          // CFGR:SW=MSI unlisted: RM0351 6.4.3
constexpr uint32_t kSwPll = 3;          // CFGR:SW=PLL unlisted: RM0351 6.4.3
constexpr Field kSws{2, 2};             // CFGR:SWS
constexpr Field kHpre{4, 4};            // CFGR:HPRE
constexpr Field kPpre1{8, 3};           // CFGR:PPRE1
constexpr Field kPpre2{11, 3};          // CFGR:PPRE2
constexpr uintptr_t kPllCfgr = 0x0C;    // PLLCFGR
constexpr Field kPllSrc{0, 2};          // PLLCFGR:PLLSRC
constexpr uint32_t kPllSrcMsi = 1;      // PLLCFGR:PLLSRC=MSI unlisted: RM0351 6.4.4
constexpr Field kPllM{4, 3};            // PLLCFGR:PLLM
constexpr Field kPllN{8, 7};            // PLLCFGR:PLLN
constexpr Field kPllREn{24, 1};         // PLLCFGR:PLLREN
constexpr Field kPllR{25, 2};           // PLLCFGR:PLLR
constexpr uintptr_t kPllSai1Cfgr = 0x10;  // PLLSAI1CFGR
constexpr Field kPllSai1N{8, 7};        // PLLSAI1CFGR:PLLSAI1N
constexpr Field kPllSai1PEn{16, 1};     // PLLSAI1CFGR:PLLSAI1PEN
constexpr Field kPllSai1P{17, 1};       // PLLSAI1CFGR:PLLSAI1P
constexpr uintptr_t kAhb1Enr = 0x48;    // AHB1ENR
constexpr Field kDma1En{0, 1};          // AHB1ENR:DMA1EN
constexpr uintptr_t kPortEnr = 0x4C;    // AHB2ENR
constexpr Field kGpioBEn{1, 1};         // AHB2ENR:GPIOBEN
constexpr Field kGpioEEn{4, 1};         // AHB2ENR:GPIOEEN
constexpr uintptr_t kApb1Enr1 = 0x58;   // APB1ENR1
constexpr Field kPwrEn{28, 1};          // APB1ENR1:PWREN
constexpr uintptr_t kApb2Enr = 0x60;    // APB2ENR
constexpr Field kUsart1En{14, 1};       // APB2ENR:USART1EN
constexpr Field kDfsdmEn{24, 1};        // APB2ENR:DFSDMEN
constexpr uintptr_t kCcipr = 0x88;      // CCIPR
constexpr Field kUsart1Sel{0, 2};       // CCIPR:USART1SEL
constexpr Field kSai1Sel{22, 2};        // CCIPR:SAI1SEL
constexpr uint32_t kSai1SelPllSai1 = 0;  // CCIPR:SAI1SEL=PLLSAI1 unlisted: RM0351 6.4.27
constexpr uintptr_t kBdcr = 0x90;       // BDCR
constexpr Field kLseOn{0, 1};           // BDCR:LSEON
constexpr Field kLseRdy{1, 1};          // BDCR:LSERDY
constexpr uintptr_t kCsr = 0x94;        // CSR
constexpr Field kRmvf{23, 1};           // CSR:RMVF
constexpr Field kIwdgRstf{29, 1};       // CSR:IWDGRSTF
}  // namespace rcc

namespace pwr {                         // PWR
constexpr uintptr_t kCr1 = 0x00;        // CR1
constexpr Field kDbp{8, 1};             // CR1:DBP
}  // namespace pwr

namespace dbg {                         // DBGMCU
constexpr uintptr_t kApb1Freeze = 0x08;  // APB1_FZR1
constexpr Field kIwdgStop{12, 1};       // APB1_FZR1:DBG_IWDG_STOP
}  // namespace dbg

namespace flash {                       // FLASH
constexpr uintptr_t kAcr = 0x00;        // ACR
constexpr Field kLatency{0, 3};         // ACR:LATENCY
constexpr Field kPrftEn{8, 1};          // ACR:PRFTEN
constexpr Field kIcEn{9, 1};            // ACR:ICEN
constexpr Field kDcEn{10, 1};           // ACR:DCEN
constexpr Field kDcRst{12, 1};          // ACR:DCRST
constexpr uintptr_t kKeyr = 0x08;       // KEYR
constexpr Field kKey{0, 32};            // KEYR:KEYR
constexpr uint32_t kKey1 = 0x45670123;  // KEYR:KEYR=Key1 unlisted: RM0351 3.3.5
constexpr uint32_t kKey2 = 0xCDEF89AB;  // KEYR:KEYR=Key2 unlisted: RM0351 3.3.5
constexpr uintptr_t kSr = 0x10;         // SR
constexpr Field kOpErr{1, 1};           // SR:OPERR
constexpr Field kProgErr{3, 1};         // SR:PROGERR
constexpr Field kWrpErr{4, 1};          // SR:WRPERR
constexpr Field kPgaErr{5, 1};          // SR:PGAERR
constexpr Field kSizErr{6, 1};          // SR:SIZERR
constexpr Field kPgsErr{7, 1};          // SR:PGSERR
constexpr Field kMisErr{8, 1};          // SR:MISERR
constexpr Field kFastErr{9, 1};         // SR:FASTERR
constexpr Field kBsy{16, 1};            // SR:BSY
constexpr uintptr_t kCr = 0x14;         // CR
constexpr Field kPg{0, 1};              // CR:PG
constexpr Field kPer{1, 1};             // CR:PER
constexpr Field kPnb{3, 8};             // CR:PNB
constexpr Field kBker{11, 1};           // CR:BKER
constexpr Field kStart{16, 1};          // CR:START
constexpr Field kLock{31, 1};           // CR:LOCK
constexpr uintptr_t kEccr = 0x18;       // ECCR
constexpr Field kEccD{31, 1};           // ECCR:ECCD
}  // namespace flash

namespace usart {                       // USART1
constexpr uintptr_t kCr1 = 0x00;        // CR1
constexpr Field kUe{0, 1};              // CR1:UE
constexpr Field kRe{2, 1};              // CR1:RE
constexpr Field kTe{3, 1};              // CR1:TE
constexpr Field kRxneIe{5, 1};          // CR1:RXNEIE
constexpr Field kOver8{15, 1};          // CR1:OVER8
constexpr uintptr_t kBrr = 0x0C;        // BRR
constexpr uintptr_t kStatus = 0x1C;  // ISR
constexpr Field kOre{3, 1};             // ISR:ORE
constexpr Field kRxne{5, 1};            // ISR:RXNE
constexpr Field kTc{6, 1};              // ISR:TC
constexpr Field kTxe{7, 1};             // ISR:TXE
constexpr uintptr_t kIcr = 0x20;        // ICR
constexpr Field kOreCf{3, 1};           // ICR:ORECF
constexpr uintptr_t kReceived = 0x24;        // RDR
constexpr uintptr_t kSent = 0x28;        // TDR
}  // namespace usart

namespace dma {                         // DMA1
constexpr uintptr_t kIsr = 0x00;        // ISR
constexpr Field kTcIf4{13, 1};          // ISR:TCIF4
constexpr Field kHtIf4{14, 1};          // ISR:HTIF4
constexpr Field kTeIf4{15, 1};          // ISR:TEIF4
constexpr uintptr_t kIfcr = 0x04;       // IFCR
constexpr Field kCTcIf4{13, 1};         // IFCR:CTCIF4
constexpr Field kCHtIf4{14, 1};         // IFCR:CHTIF4
constexpr Field kCTeIf4{15, 1};         // IFCR:CTEIF4
constexpr uintptr_t kCcr4 = 0x44;       // CCR4
constexpr Field kEn{0, 1};              // CCR4:EN
constexpr Field kTcIe{1, 1};            // CCR4:TCIE
constexpr Field kHtIe{2, 1};            // CCR4:HTIE
constexpr Field kTeIe{3, 1};            // CCR4:TEIE
constexpr Field kDir{4, 1};             // CCR4:DIR
constexpr Field kCirc{5, 1};            // CCR4:CIRC
constexpr Field kMInc{7, 1};            // CCR4:MINC
constexpr Field kPSize{8, 2};           // CCR4:PSIZE
constexpr uint32_t kPSizeWord = 2;      // CCR4:PSIZE=Bits32 unlisted: RM0351 11.6.3
constexpr Field kMSize{10, 2};          // CCR4:MSIZE
constexpr uint32_t kMSizeWord = 2;      // CCR4:MSIZE=Bits32 unlisted: RM0351 11.6.3
constexpr Field kPl{12, 2};             // CCR4:PL
constexpr uint32_t kPlHigh = 2;         // CCR4:PL=High unlisted: RM0351 11.6.3
constexpr uintptr_t kCndtr4 = 0x48;     // CNDTR4
constexpr uintptr_t kCpar4 = 0x4C;      // CPAR4
constexpr uintptr_t kCmar4 = 0x50;      // CMAR4
constexpr uintptr_t kCselr = 0xA8;      // CSELR
constexpr Field kC4s{12, 4};            // CSELR:C4S
constexpr uint32_t kC4sDfsdm = 0;       // CSELR:C4S=DFSDM1_FLT0 unlisted: RM0351 11.3.2
}  // namespace dma

namespace dfsdm {                       // DFSDM
constexpr uintptr_t kCh0Cfgr1 = 0x00;   // CHCFG0R1
constexpr Field kCkOutDiv{16, 8};       // CHCFG0R1:CKOUTDIV
constexpr Field kCkOutSrc{30, 1};       // CHCFG0R1:CKOUTSRC
constexpr Field kDfsdmEn{31, 1};        // CHCFG0R1:DFSDMEN
constexpr uintptr_t kCh2Cfgr1 = 0x40;   // CHCFG2R1
constexpr Field kSitp{0, 2};            // CHCFG2R1:SITP
constexpr uint32_t kSitpRising = 0;     // CHCFG2R1:SITP=SPIRisingEdge unlisted: RM0351 24.7.1
constexpr Field kSpiCkSel{2, 2};        // CHCFG2R1:SPICKSEL
constexpr uint32_t kSpiCkSelCkOut = 1;  // CHCFG2R1:SPICKSEL=CKOUT unlisted: RM0351 24.7.1
constexpr Field kChEn{7, 1};            // CHCFG2R1:CHEN
constexpr Field kChInSel{8, 1};         // CHCFG2R1:CHINSEL
constexpr Field kDatMpx{12, 2};         // CHCFG2R1:DATMPX
constexpr uintptr_t kCh2Cfgr2 = 0x44;   // CHCFG2R2
constexpr Field kDtrbs{3, 5};           // CHCFG2R2:DTRBS
constexpr Field kOffset{8, 24};         // CHCFG2R2:OFFSET
constexpr uintptr_t kFlt0Cr1 = 0x100;   // DFSDM0_CR1
constexpr Field kDfEn{0, 1};            // DFSDM0_CR1:DFEN
constexpr Field kRSwStart{17, 1};       // DFSDM0_CR1:RSWSTART
constexpr Field kRCont{18, 1};          // DFSDM0_CR1:RCONT
constexpr Field kRDmaEn{21, 1};         // DFSDM0_CR1:RDMAEN
constexpr Field kRCh{24, 3};            // DFSDM0_CR1:RCH
constexpr Field kFast{29, 1};           // DFSDM0_CR1:FAST
constexpr uintptr_t kFlt0Isr = 0x108;   // DFSDM0_ISR
constexpr Field kROvrF{3, 1};           // DFSDM0_ISR:ROVRF
constexpr uintptr_t kFlt0Icr = 0x10C;   // DFSDM0_ICR
constexpr Field kClrROvrF{3, 1};        // DFSDM0_ICR:CLRROVRF
constexpr uintptr_t kFlt0Fcr = 0x114;   // DFSDM0_FCR
constexpr Field kIOsr{0, 8};            // DFSDM0_FCR:IOSR
constexpr Field kFOsr{16, 10};          // DFSDM0_FCR:FOSR
constexpr Field kFOrd{29, 3};           // DFSDM0_FCR:FORD
constexpr uint32_t kFOrdSinc4 = 4;      // DFSDM0_FCR:FORD=Sinc4 unlisted: RM0351 24.8.6
constexpr uintptr_t kFlt0Rdatar = 0x11C;  // DFSDM0_RDATAR
constexpr Field kRData{8, 24};          // DFSDM0_RDATAR:RDATA
}  // namespace dfsdm

}  // namespace kws::board
