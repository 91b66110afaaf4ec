// Registers of ST's STM32F405 and STM32F407 that the boards use besides stm32/stm32_registers.h, named as in RM0090.
//
// A declaration, nothing else: tests/support/register_headers.py says what may stand here, and a test compares every
// constant with the vendor's description of the chips, by the name behind it.
//
// svd: STM32F41x.svd
#pragma once

#include <cstdint>

#include "cortex_m/field.h"

namespace kws::board {

constexpr uintptr_t kTim2 = 0x40000000;    // TIM2
constexpr uintptr_t kSpi2 = 0x40003800;    // SPI2
constexpr uintptr_t kUsart2 = 0x40004400;  // USART2
constexpr uintptr_t kUsart6 = 0x40011400;  // USART6
constexpr uintptr_t kGpioA = 0x40020000;   // GPIOA
constexpr uintptr_t kGpioB = 0x40020400;   // GPIOB
constexpr uintptr_t kGpioC = 0x40020800;   // GPIOC
constexpr uintptr_t kGpioD = 0x40020C00;   // GPIOD
constexpr uintptr_t kRcc = 0x40023800;     // RCC
constexpr uintptr_t kFlash = 0x40023C00;   // FLASH
constexpr uintptr_t kDma1 = 0x40026000;    // DMA1
constexpr uintptr_t kDbg = 0xE0042000;     // DBG

constexpr uint32_t kDma1Stream3Line = 14;  // interrupt DMA1_Stream3_IRQ
constexpr uint32_t kUsart2Line = 38;       // interrupt USART2_IRQ
constexpr uint32_t kUsart6Line = 71;       // interrupt USART6_IRQ

namespace rcc {                            // RCC
constexpr uintptr_t kCr = 0x00;            // CR
constexpr Field kHsiOn{0, 1};              // CR:HSION
constexpr Field kHsiRdy{1, 1};             // CR:HSIRDY
constexpr Field kHseOn{16, 1};             // CR:HSEON
constexpr Field kHseRdy{17, 1};            // CR:HSERDY
constexpr Field kPllOn{24, 1};             // CR:PLLON
constexpr Field kPllRdy{25, 1};            // CR:PLLRDY
constexpr Field kPllI2sOn{26, 1};          // CR:PLLI2SON
constexpr Field kPllI2sRdy{27, 1};         // CR:PLLI2SRDY
constexpr uintptr_t kPllCfgr = 0x04;       // PLLCFGR
constexpr Field kPllM0{0, 1};              // PLLCFGR:PLLM0
constexpr Field kPllM5{5, 1};              // PLLCFGR:PLLM5
constexpr Field kPllN0{6, 1};              // PLLCFGR:PLLN0
constexpr Field kPllN8{14, 1};             // PLLCFGR:PLLN8
constexpr Field kPllP0{16, 1};             // PLLCFGR:PLLP0
constexpr Field kPllP1{17, 1};             // PLLCFGR:PLLP1
constexpr Field kPllSrc{22, 1};            // PLLCFGR:PLLSRC
constexpr uint32_t kPllSrcHse = 1;         // PLLCFGR:PLLSRC=HSE unlisted: RM0090 7.3.2
constexpr Field kPllQ0{24, 1};             // PLLCFGR:PLLQ0
constexpr Field kPllQ3{27, 1};             // PLLCFGR:PLLQ3
constexpr uintptr_t kCfgr = 0x08;          // CFGR
constexpr Field kSw0{0, 1};                // CFGR:SW0
constexpr Field kSw1{1, 1};                // CFGR:SW1
constexpr Field kSws0{2, 1};               // CFGR:SWS0
constexpr Field kSws1{3, 1};               // CFGR:SWS1
constexpr Field kHpre{4, 4};               // CFGR:HPRE
constexpr Field kPpre1{10, 3};             // CFGR:PPRE1
constexpr uint32_t kPpre1DividedBy4 = 5;   // CFGR:PPRE1=DividedBy4 unlisted: RM0090 7.3.3
constexpr Field kPpre2{13, 3};             // CFGR:PPRE2
constexpr uint32_t kPpre2DividedBy2 = 4;   // CFGR:PPRE2=DividedBy2 unlisted: RM0090 7.3.3
constexpr Field kI2sSrc{23, 1};            // CFGR:I2SSRC
constexpr uintptr_t kAhb1Enr = 0x30;       // AHB1ENR
constexpr uintptr_t kPortEnr = 0x30;  // AHB1ENR
constexpr Field kGpioAEn{0, 1};            // AHB1ENR:GPIOAEN
constexpr Field kGpioBEn{1, 1};            // AHB1ENR:GPIOBEN
constexpr Field kGpioCEn{2, 1};            // AHB1ENR:GPIOCEN
constexpr Field kGpioDEn{3, 1};            // AHB1ENR:GPIODEN
constexpr Field kDma1En{21, 1};            // AHB1ENR:DMA1EN
constexpr uintptr_t kApb1Enr = 0x40;       // APB1ENR
constexpr Field kTim2En{0, 1};             // APB1ENR:TIM2EN
constexpr Field kSpi2En{14, 1};            // APB1ENR:SPI2EN
constexpr Field kUsart2En{17, 1};          // APB1ENR:USART2EN
constexpr Field kPwrEn{28, 1};             // APB1ENR:PWREN
constexpr uintptr_t kApb2Enr = 0x44;       // APB2ENR
constexpr Field kUsart6En{5, 1};           // APB2ENR:USART6EN
constexpr uintptr_t kCsr = 0x74;           // CSR
constexpr Field kRmvf{24, 1};              // CSR:RMVF
constexpr Field kIwdgRstf{29, 1};          // CSR:WDGRSTF
constexpr uintptr_t kPllI2sCfgr = 0x84;    // PLLI2SCFGR
constexpr Field kPllI2sN{6, 9};            // PLLI2SCFGR:PLLI2SNx
constexpr Field kPllI2sR{28, 3};           // PLLI2SCFGR:PLLI2SRx
}  // namespace rcc

namespace dbg {                            // DBG
constexpr uintptr_t kIdCode = 0x00;        // DBGMCU_IDCODE
constexpr Field kDevId{0, 12};             // DBGMCU_IDCODE:DEV_ID
constexpr uint32_t kDevIdF405 = 0x413;     // DBGMCU_IDCODE:DEV_ID=STM32F405 unlisted: RM0090 38.6.1
constexpr Field kRevId{16, 16};            // DBGMCU_IDCODE:REV_ID
constexpr uint32_t kRevIdA = 0x1000;       // DBGMCU_IDCODE:REV_ID=RevisionA unlisted: RM0090 38.6.1
constexpr uintptr_t kApb1Freeze = 0x08;    // DBGMCU_APB1_FZ
constexpr Field kIwdgStop{12, 1};          // DBGMCU_APB1_FZ:DBG_IWDEG_STOP
}  // namespace dbg

namespace flash {                          // FLASH
constexpr uintptr_t kAcr = 0x00;           // ACR
constexpr Field kLatency{0, 3};            // ACR:LATENCY
constexpr Field kPrftEn{8, 1};             // ACR:PRFTEN
constexpr Field kIcEn{9, 1};               // ACR:ICEN
constexpr Field kDcEn{10, 1};              // ACR:DCEN
constexpr Field kDcRst{12, 1};             // ACR:DCRST
constexpr uintptr_t kKeyr = 0x04;          // KEYR
constexpr Field kKey{0, 32};               // KEYR:KEY
constexpr uint32_t kKey1 = 0x45670123;     // KEYR:KEY=Key1 unlisted: RM0090 3.6.1
constexpr uint32_t kKey2 = 0xCDEF89AB;     // KEYR:KEY=Key2 unlisted: RM0090 3.6.1
constexpr uintptr_t kSr = 0x0C;            // SR
constexpr Field kOpErr{1, 1};              // SR:OPERR
constexpr Field kWrpErr{4, 1};             // SR:WRPERR
constexpr Field kPgaErr{5, 1};             // SR:PGAERR
constexpr Field kPgpErr{6, 1};             // SR:PGPERR
constexpr Field kPgsErr{7, 1};             // SR:PGSERR
constexpr Field kBsy{16, 1};               // SR:BSY
constexpr uintptr_t kCr = 0x10;            // CR
constexpr Field kPg{0, 1};                 // CR:PG
constexpr Field kSer{1, 1};                // CR:SER
constexpr Field kSnb{3, 4};                // CR:SNB
constexpr Field kPSize{8, 2};              // CR:PSIZE
constexpr uint32_t kPSizeWord = 2;         // CR:PSIZE=x32 unlisted: RM0090 3.9.5
constexpr Field kStrt{16, 1};              // CR:STRT
constexpr Field kLock{31, 1};              // CR:LOCK
}  // namespace flash

namespace usart {                          // USART2 USART6
constexpr uintptr_t kStatus = 0x00;  // SR
constexpr Field kOre{3, 1};                // SR:ORE
constexpr Field kRxne{5, 1};               // SR:RXNE
constexpr Field kTc{6, 1};                 // SR:TC
constexpr Field kTxe{7, 1};                // SR:TXE
constexpr uintptr_t kReceived = 0x04;  // DR
constexpr uintptr_t kSent = 0x04;  // DR
constexpr uintptr_t kBrr = 0x08;           // BRR
constexpr uintptr_t kCr1 = 0x0C;           // CR1
constexpr Field kRe{2, 1};                 // CR1:RE
constexpr Field kTe{3, 1};                 // CR1:TE
constexpr Field kRxneIe{5, 1};             // CR1:RXNEIE
constexpr Field kUe{13, 1};                // CR1:UE
constexpr Field kOver8{15, 1};             // CR1:OVER8
}  // namespace usart

namespace tim {                            // TIM2
constexpr uintptr_t kCr1 = 0x00;           // CR1
constexpr Field kCen{0, 1};                // CR1:CEN
constexpr uintptr_t kEgr = 0x14;           // EGR
constexpr Field kUg{0, 1};                 // EGR:UG
constexpr uintptr_t kCnt = 0x24;           // CNT
constexpr uintptr_t kPsc = 0x28;           // PSC
constexpr uintptr_t kArr = 0x2C;           // ARR
}  // namespace tim

namespace spi {                            // SPI2
constexpr uintptr_t kCr2 = 0x04;           // CR2
constexpr Field kRxDmaEn{0, 1};            // CR2:RXDMAEN
constexpr uintptr_t kSr = 0x08;            // SR
constexpr Field kOvr{6, 1};                // SR:OVR
constexpr uintptr_t kDr = 0x0C;            // DR
constexpr uintptr_t kI2sCfgr = 0x1C;       // I2SCFGR
constexpr Field kChLen{0, 1};              // I2SCFGR:CHLEN
constexpr Field kDatLen{1, 2};             // I2SCFGR:DATLEN
constexpr Field kCkPol{3, 1};              // I2SCFGR:CKPOL
constexpr Field kI2sStd{4, 2};             // I2SCFGR:I2SSTD
constexpr uint32_t kI2sStdRight = 2;       // I2SCFGR:I2SSTD=LSB unlisted: RM0090 28.5.8
constexpr Field kI2sCfg{8, 2};             // I2SCFGR:I2SCFG
constexpr uint32_t kI2sMasterReceive = 3;  // I2SCFGR:I2SCFG=MasterReceive unlisted: RM0090 28.5.8
constexpr Field kI2sE{10, 1};              // I2SCFGR:I2SE
constexpr Field kI2sMod{11, 1};            // I2SCFGR:I2SMOD
constexpr uintptr_t kI2sPr = 0x20;         // I2SPR
constexpr Field kI2sDiv{0, 8};             // I2SPR:I2SDIV
constexpr Field kOdd{8, 1};                // I2SPR:ODD
constexpr Field kMckOe{9, 1};              // I2SPR:MCKOE
}  // namespace spi

namespace dma {                            // DMA1
constexpr uintptr_t kLisr = 0x00;          // LISR
constexpr Field kDmeIf3{24, 1};            // LISR:DMEIF3
constexpr Field kTeIf3{25, 1};             // LISR:TEIF3
constexpr Field kHtIf3{26, 1};             // LISR:HTIF3
constexpr Field kTcIf3{27, 1};             // LISR:TCIF3
constexpr uintptr_t kLifcr = 0x08;         // LIFCR
constexpr Field kCFeIf3{22, 1};            // LIFCR:CFEIF3
constexpr Field kCDmeIf3{24, 1};           // LIFCR:CDMEIF3
constexpr Field kCTeIf3{25, 1};            // LIFCR:CTEIF3
constexpr Field kCHtIf3{26, 1};            // LIFCR:CHTIF3
constexpr Field kCTcIf3{27, 1};            // LIFCR:CTCIF3
constexpr uintptr_t kS3Cr = 0x58;          // S3CR
constexpr Field kEn{0, 1};                 // S3CR:EN
constexpr Field kDmeIe{1, 1};              // S3CR:DMEIE
constexpr Field kTeIe{2, 1};               // S3CR:TEIE
constexpr Field kHtIe{3, 1};               // S3CR:HTIE
constexpr Field kTcIe{4, 1};               // S3CR:TCIE
constexpr Field kDir{6, 2};                // S3CR:DIR
constexpr Field kCirc{8, 1};               // S3CR:CIRC
constexpr Field kMInc{10, 1};              // S3CR:MINC
constexpr Field kPSize{11, 2};             // S3CR:PSIZE
constexpr uint32_t kPSizeHalfWord = 1;     // S3CR:PSIZE=HalfWord unlisted: RM0090 10.5.5
constexpr Field kMSize{13, 2};             // S3CR:MSIZE
constexpr uint32_t kMSizeHalfWord = 1;     // S3CR:MSIZE=HalfWord unlisted: RM0090 10.5.5
constexpr Field kPl{16, 2};                // S3CR:PL
constexpr uint32_t kPlHigh = 2;            // S3CR:PL=High unlisted: RM0090 10.5.5
constexpr Field kChSel{25, 3};             // S3CR:CHSEL
constexpr uintptr_t kS3Ndtr = 0x5C;        // S3NDTR
constexpr uintptr_t kS3Par = 0x60;         // S3PAR
constexpr uintptr_t kS3M0ar = 0x64;        // S3M0AR
constexpr uintptr_t kS3Fcr = 0x6C;         // S3FCR
constexpr Field kDmDis{2, 1};              // S3FCR:DMDIS
}  // namespace dma

}  // namespace kws::board
