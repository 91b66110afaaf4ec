// Registers of Nordic's nRF52840 and nRF52833 that the boards use, named as in the product specifications.
//
// A declaration, nothing else: tests/support/register_headers.py says what may stand here, and a test compares every
// constant with the vendor's description of the chips, by the name behind it.
//
// svd: nrf52840.svd nrf52833.svd
#pragma once

#include <cstdint>

#include "cortex_m/field.h"

namespace kws::board {

constexpr uintptr_t kClock = 0x40000000;   // CLOCK
constexpr uintptr_t kPower = 0x40000000;   // POWER
constexpr uintptr_t kUarte0 = 0x40002000;  // UARTE0
constexpr uintptr_t kSaadc = 0x40007000;   // SAADC
constexpr uintptr_t kTimer2 = 0x4000A000;  // TIMER2
constexpr uintptr_t kTimer1 = 0x40009000;  // TIMER1
constexpr uintptr_t kWdt = 0x40010000;     // WDT
constexpr uintptr_t kPdm = 0x4001D000;     // PDM
constexpr uintptr_t kNvmc = 0x4001E000;    // NVMC
constexpr uintptr_t kPpi = 0x4001F000;     // PPI
constexpr uintptr_t kPort0 = 0x50000000;   // P0
constexpr uintptr_t kPort1 = 0x50000300;   // P1

// The lock of the debug port, of chips of build code F0 and later.
constexpr uintptr_t kApprotect = 0x40000000;  // APPROTECT unlisted: PS 1.8

constexpr uint32_t kUarte0Line = 2;  // interrupt UARTE0_UART0
constexpr uint32_t kSaadcLine = 7;   // interrupt SAADC
constexpr uint32_t kPdmLine = 29;    // interrupt PDM

namespace approtect {                                         // APPROTECT
constexpr uintptr_t kDisable = 0x558;                         // DISABLE unlisted: PS 1.8
constexpr uint32_t kSwDisable = 0x5A;                         // DISABLE:DISABLE=SwDisable unlisted: PS 1.8
}  // namespace approtect

namespace clock {                                             // CLOCK
constexpr uintptr_t kTasksHfclkStart = 0x000;                 // TASKS_HFCLKSTART
constexpr uintptr_t kEventsHfclkStarted = 0x100;              // EVENTS_HFCLKSTARTED
constexpr uintptr_t kHfclkStat = 0x40C;                       // HFCLKSTAT
constexpr Field kHfclkStatSrc{0, 1};                          // HFCLKSTAT:SRC
constexpr uint32_t kHfclkStatSrcXtal = 1;                     // HFCLKSTAT:SRC=Xtal
constexpr Field kHfclkStatState{16, 1};                       // HFCLKSTAT:STATE
constexpr uint32_t kHfclkStatStateRunning = 1;                // HFCLKSTAT:STATE=Running
}  // namespace clock

namespace power {                                             // POWER
constexpr uintptr_t kResetReas = 0x400;                       // RESETREAS
constexpr Field kResetReasResetPin{0, 1};                     // RESETREAS:RESETPIN
constexpr Field kResetReasDog{1, 1};                          // RESETREAS:DOG
constexpr Field kResetReasSreq{2, 1};                         // RESETREAS:SREQ
constexpr Field kResetReasLockup{3, 1};                       // RESETREAS:LOCKUP
}  // namespace power

namespace gpio {                                              // P0 P1
constexpr uintptr_t kOutSet = 0x508;                          // OUTSET
constexpr uintptr_t kOutClr = 0x50C;                          // OUTCLR
constexpr uintptr_t kDirSet = 0x518;                          // DIRSET
constexpr uintptr_t kPinCnf = 0x700;                          // PIN_CNF[0]
constexpr uintptr_t kPinCnfStride = 0x4;                      // stride PIN_CNF
constexpr Field kPinCnfDir{0, 1};                             // PIN_CNF[0]:DIR
constexpr uint32_t kPinCnfDirInput = 0;                       // PIN_CNF[0]:DIR=Input
constexpr uint32_t kPinCnfDirOutput = 1;                      // PIN_CNF[0]:DIR=Output
constexpr Field kPinCnfInput{1, 1};                           // PIN_CNF[0]:INPUT
constexpr uint32_t kPinCnfInputConnect = 0;                   // PIN_CNF[0]:INPUT=Connect
constexpr uint32_t kPinCnfInputDisconnect = 1;                // PIN_CNF[0]:INPUT=Disconnect
constexpr Field kPinCnfPull{2, 2};                            // PIN_CNF[0]:PULL
constexpr uint32_t kPinCnfPullDisabled = 0;                   // PIN_CNF[0]:PULL=Disabled
constexpr uint32_t kPinCnfPullPullup = 3;                     // PIN_CNF[0]:PULL=Pullup
constexpr Field kPinCnfDrive{8, 3};                           // PIN_CNF[0]:DRIVE
constexpr uint32_t kPinCnfDriveStandard = 0;                  // PIN_CNF[0]:DRIVE=S0S1
constexpr uint32_t kPinCnfDriveHigh = 3;                      // PIN_CNF[0]:DRIVE=H0H1
}  // namespace gpio

namespace uarte {                                             // UARTE0
constexpr uintptr_t kTasksStartRx = 0x000;                    // TASKS_STARTRX
constexpr uintptr_t kTasksStopRx = 0x004;                     // TASKS_STOPRX
constexpr uintptr_t kTasksStartTx = 0x008;                    // TASKS_STARTTX
constexpr uintptr_t kTasksFlushRx = 0x02C;                    // TASKS_FLUSHRX
constexpr uintptr_t kEventsRxdRdy = 0x108;                    // EVENTS_RXDRDY
constexpr uintptr_t kEventsEndRx = 0x110;                     // EVENTS_ENDRX
constexpr uintptr_t kEventsEndTx = 0x120;                     // EVENTS_ENDTX
constexpr uintptr_t kEventsError = 0x124;                     // EVENTS_ERROR
constexpr uintptr_t kEventsRxTo = 0x144;                      // EVENTS_RXTO
constexpr uintptr_t kEventsRxStarted = 0x14C;                 // EVENTS_RXSTARTED
constexpr uintptr_t kShorts = 0x200;                          // SHORTS
constexpr Field kShortsEndRxStartRx{5, 1};                    // SHORTS:ENDRX_STARTRX
constexpr uintptr_t kIntenSet = 0x304;                        // INTENSET
constexpr uintptr_t kIntenClr = 0x308;                        // INTENCLR
constexpr Field kIntRxdRdy{2, 1};                             // INTENSET:RXDRDY INTENCLR:RXDRDY
constexpr Field kIntError{9, 1};                              // INTENSET:ERROR INTENCLR:ERROR
constexpr Field kIntRxStarted{19, 1};                         // INTENSET:RXSTARTED INTENCLR:RXSTARTED
constexpr uintptr_t kErrorSrc = 0x480;                        // ERRORSRC
constexpr uintptr_t kEnable = 0x500;                          // ENABLE
constexpr Field kEnableEnable{0, 4};                          // ENABLE:ENABLE
constexpr uint32_t kEnableDisabled = 0;                       // ENABLE:ENABLE=Disabled
constexpr uint32_t kEnableEnabled = 8;                        // ENABLE:ENABLE=Enabled
constexpr uintptr_t kPselRts = 0x508;                         // PSEL.RTS
constexpr uintptr_t kPselTxd = 0x50C;                         // PSEL.TXD
constexpr uintptr_t kPselCts = 0x510;                         // PSEL.CTS
constexpr uintptr_t kPselRxd = 0x514;                         // PSEL.RXD
constexpr Field kPselPin{0, 5};                               // PSEL.TXD:PIN PSEL.RXD:PIN
constexpr Field kPselPort{5, 1};                              // PSEL.TXD:PORT PSEL.RXD:PORT
constexpr Field kPselConnect{31, 1};                          // PSEL.TXD:CONNECT PSEL.RTS:CONNECT PSEL.CTS:CONNECT
constexpr uint32_t kPselDisconnected = 1;                     // PSEL.RTS:CONNECT=Disconnected
constexpr uintptr_t kBaudrate = 0x524;                        // BAUDRATE
constexpr uint32_t kBaudrate921600 = 0x0F000000;              // BAUDRATE:BAUDRATE=Baud921600
constexpr uint32_t kBaudrate1M = 0x10000000;                  // BAUDRATE:BAUDRATE=Baud1M
constexpr uintptr_t kRxdPtr = 0x534;                          // RXD.PTR
constexpr uintptr_t kRxdMaxcnt = 0x538;                       // RXD.MAXCNT
constexpr uintptr_t kTxdPtr = 0x544;                          // TXD.PTR
constexpr uintptr_t kTxdMaxcnt = 0x548;                       // TXD.MAXCNT
constexpr Field kMaxcnt{0, 16};                               // RXD.MAXCNT:MAXCNT TXD.MAXCNT:MAXCNT
constexpr uintptr_t kConfig = 0x56C;                          // CONFIG
constexpr Field kConfigHwfc{0, 1};                            // CONFIG:HWFC
constexpr uint32_t kConfigHwfcDisabled = 0;                   // CONFIG:HWFC=Disabled
constexpr Field kConfigParity{1, 3};                          // CONFIG:PARITY
constexpr uint32_t kConfigParityExcluded = 0;                 // CONFIG:PARITY=Excluded
}  // namespace uarte

namespace pdm {                                               // PDM
constexpr uintptr_t kTasksStart = 0x000;                      // TASKS_START
constexpr uintptr_t kTasksStop = 0x004;                       // TASKS_STOP
constexpr uintptr_t kEventsStarted = 0x100;                   // EVENTS_STARTED
constexpr uintptr_t kEventsStopped = 0x104;                   // EVENTS_STOPPED
constexpr uintptr_t kEventsEnd = 0x108;                       // EVENTS_END
constexpr uintptr_t kIntenSet = 0x304;                        // INTENSET
constexpr uintptr_t kIntenClr = 0x308;                        // INTENCLR
constexpr Field kIntStarted{0, 1};                            // INTENSET:STARTED INTENCLR:STARTED
constexpr Field kIntEnd{2, 1};                                // INTENSET:END INTENCLR:END
constexpr uintptr_t kEnable = 0x500;                          // ENABLE
constexpr Field kEnableEnable{0, 1};                          // ENABLE:ENABLE
constexpr uint32_t kEnableDisabled = 0;                       // ENABLE:ENABLE=Disabled
constexpr uint32_t kEnableEnabled = 1;                        // ENABLE:ENABLE=Enabled
constexpr uintptr_t kPdmClkCtrl = 0x504;                      // PDMCLKCTRL
constexpr uint32_t kPdmClkCtrl1280K = 0x0A000000;             // PDMCLKCTRL:FREQ=1280K
constexpr uintptr_t kMode = 0x508;                            // MODE
constexpr Field kModeOperation{0, 1};                         // MODE:OPERATION
constexpr uint32_t kModeOperationMono = 1;                    // MODE:OPERATION=Mono
constexpr Field kModeEdge{1, 1};                              // MODE:EDGE
constexpr uint32_t kModeEdgeLeftFalling = 0;                  // MODE:EDGE=LeftFalling
constexpr uintptr_t kGainL = 0x518;                           // GAINL
constexpr uint32_t kGainLDefault = 0x28;                      // GAINL:GAINL=DefaultGain
constexpr uintptr_t kGainR = 0x51C;                           // GAINR
constexpr uintptr_t kRatio = 0x520;                           // RATIO
constexpr Field kRatioRatio{0, 1};                            // RATIO:RATIO
constexpr uint32_t kRatio80 = 1;                              // RATIO:RATIO=Ratio80
constexpr uintptr_t kPselClk = 0x540;                         // PSEL.CLK
constexpr uintptr_t kPselDin = 0x544;                         // PSEL.DIN
constexpr Field kPselPin{0, 5};                               // PSEL.CLK:PIN PSEL.DIN:PIN
constexpr Field kPselPort{5, 1};                              // PSEL.CLK:PORT PSEL.DIN:PORT
constexpr uintptr_t kSamplePtr = 0x560;                       // SAMPLE.PTR
constexpr uintptr_t kSampleMaxcnt = 0x564;                    // SAMPLE.MAXCNT
constexpr Field kSampleMaxcntBuffsize{0, 15};                 // SAMPLE.MAXCNT:BUFFSIZE
}  // namespace pdm

namespace timer {                                             // TIMER1 TIMER2
constexpr uintptr_t kTasksStart = 0x000;                      // TASKS_START
constexpr uintptr_t kTasksStop = 0x004;                       // TASKS_STOP
constexpr uintptr_t kTasksCount = 0x008;                      // TASKS_COUNT
constexpr uintptr_t kTasksClear = 0x00C;                      // TASKS_CLEAR
constexpr uintptr_t kTasksCapture = 0x040;                    // TASKS_CAPTURE[0]
constexpr uintptr_t kEventsCompare = 0x140;                   // EVENTS_COMPARE[0]
constexpr uintptr_t kShorts = 0x200;                          // SHORTS
constexpr Field kShortsCompare0Clear{0, 1};                   // SHORTS:COMPARE0_CLEAR
constexpr uintptr_t kMode = 0x504;                            // MODE
constexpr uint32_t kModeTimer = 0;                            // MODE:MODE=Timer
constexpr uint32_t kModeLowPowerCounter = 2;                  // MODE:MODE=LowPowerCounter
constexpr uintptr_t kBitMode = 0x508;                         // BITMODE
constexpr uint32_t kBitMode32 = 3;                            // BITMODE:BITMODE=32Bit
constexpr uintptr_t kPrescaler = 0x510;                       // PRESCALER
constexpr uintptr_t kCc = 0x540;                              // CC[0]
}  // namespace timer

namespace ppi {                                               // PPI
constexpr uintptr_t kChenSet = 0x504;                         // CHENSET
constexpr uintptr_t kChenClr = 0x508;                         // CHENCLR
constexpr Field kChen0{0, 1};                                 // CHENSET:CH0 CHENCLR:CH0
constexpr Field kChen1{1, 1};                                 // CHENSET:CH1 CHENCLR:CH1
constexpr Field kChen2{2, 1};                                 // CHENSET:CH2 CHENCLR:CH2
constexpr uintptr_t kChStride = 0x8;                          // stride CH
constexpr uintptr_t kChEep = 0x510;                           // CH[0].EEP
constexpr uintptr_t kChTep = 0x514;                           // CH[0].TEP
}  // namespace ppi

namespace saadc {                                             // SAADC
constexpr uintptr_t kTasksStart = 0x000;                      // TASKS_START
constexpr uintptr_t kTasksSample = 0x004;                     // TASKS_SAMPLE
constexpr uintptr_t kTasksStop = 0x008;                       // TASKS_STOP
constexpr uintptr_t kEventsStarted = 0x100;                   // EVENTS_STARTED
constexpr uintptr_t kEventsEnd = 0x104;                       // EVENTS_END
constexpr uintptr_t kEventsStopped = 0x114;                   // EVENTS_STOPPED
constexpr uintptr_t kIntenSet = 0x304;                        // INTENSET
constexpr uintptr_t kIntenClr = 0x308;                        // INTENCLR
constexpr Field kIntStarted{0, 1};                            // INTENSET:STARTED INTENCLR:STARTED
constexpr Field kIntEnd{1, 1};                                // INTENSET:END INTENCLR:END
constexpr uintptr_t kEnable = 0x500;                          // ENABLE
constexpr Field kEnableEnable{0, 1};                          // ENABLE:ENABLE
constexpr uint32_t kEnableDisabled = 0;                       // ENABLE:ENABLE=Disabled
constexpr uint32_t kEnableEnabled = 1;                        // ENABLE:ENABLE=Enabled
constexpr uintptr_t kPselP = 0x510;                           // CH[0].PSELP
constexpr uint32_t kPselPAnalogInput3 = 4;                    // CH[0].PSELP:PSELP=AnalogInput3
constexpr uintptr_t kConfig = 0x518;                          // CH[0].CONFIG
constexpr Field kConfigGain{8, 3};                            // CH[0].CONFIG:GAIN
constexpr uint32_t kConfigGain4 = 7;                          // CH[0].CONFIG:GAIN=Gain4
constexpr Field kConfigRefSel{12, 1};                         // CH[0].CONFIG:REFSEL
constexpr uint32_t kConfigRefSelInternal = 0;                 // CH[0].CONFIG:REFSEL=Internal
constexpr Field kConfigTacq{16, 3};                           // CH[0].CONFIG:TACQ
constexpr uint32_t kConfigTacq10Us = 2;                       // CH[0].CONFIG:TACQ=10us
constexpr uintptr_t kResolution = 0x5F0;                      // RESOLUTION
constexpr Field kResolutionVal{0, 3};                         // RESOLUTION:VAL
constexpr uint32_t kResolution14Bit = 3;                      // RESOLUTION:VAL=14bit
constexpr uintptr_t kResultPtr = 0x62C;                       // RESULT.PTR
constexpr uintptr_t kResultMaxcnt = 0x630;                    // RESULT.MAXCNT
}  // namespace saadc

namespace nvmc {                                              // NVMC
constexpr uintptr_t kReady = 0x400;                           // READY
constexpr Field kReadyReady{0, 1};                            // READY:READY
constexpr uintptr_t kConfig = 0x504;                          // CONFIG
constexpr Field kConfigWen{0, 2};                             // CONFIG:WEN
constexpr uint32_t kConfigWenRead = 0;                        // CONFIG:WEN=Ren
constexpr uint32_t kConfigWenWrite = 1;                       // CONFIG:WEN=Wen
constexpr uint32_t kConfigWenErase = 2;                       // CONFIG:WEN=Een
constexpr uintptr_t kErasePage = 0x508;                       // ERASEPAGE
constexpr uintptr_t kIcacheCnf = 0x540;                       // ICACHECNF
constexpr Field kIcacheCnfCacheEn{0, 1};                      // ICACHECNF:CACHEEN
constexpr uint32_t kIcacheCnfEnabled = 1;                     // ICACHECNF:CACHEEN=Enabled
}  // namespace nvmc

namespace wdt {                                               // WDT
constexpr uintptr_t kTasksStart = 0x000;                      // TASKS_START
constexpr uintptr_t kRunStatus = 0x400;                       // RUNSTATUS
constexpr Field kRunStatusRunStatus{0, 1};                    // RUNSTATUS:RUNSTATUS
constexpr uintptr_t kCrv = 0x504;                             // CRV
constexpr uintptr_t kRrEn = 0x508;                            // RREN
constexpr Field kRrEnRr0{0, 1};                               // RREN:RR0
constexpr uintptr_t kConfig = 0x50C;                          // CONFIG
constexpr Field kConfigSleep{0, 1};                           // CONFIG:SLEEP
constexpr uint32_t kConfigSleepPause = 0;                     // CONFIG:SLEEP=Pause
constexpr Field kConfigHalt{3, 1};                            // CONFIG:HALT
constexpr uint32_t kConfigHaltPause = 0;                      // CONFIG:HALT=Pause
constexpr uintptr_t kRr = 0x600;                              // RR[0]
constexpr uintptr_t kRrStride = 0x4;                          // stride RR
constexpr uint32_t kRrReload = 0x6E524635;                    // RR[0]:RR=Reload
}  // namespace wdt

}  // namespace kws::board
