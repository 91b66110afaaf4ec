// The left MP34DT01 on DFSDM1: its channel 2 takes the bits, its filter 0 is the first of the kit's three filters
// (kws_reference/audio/pdm.py: order 4, ratio 8), DMA fills a ring of two halves with what it gives at 128 kHz, and the
// interrupt of each half does the rest, to the same integers as if it had counted the bits itself.
#include <cstddef>
#include <cstdint>

#include "board_config.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/registers.h"
#include "kws/microphone.h"
#include "pdm/block_queue.h"
#include "pdm/halves.h"
#include "pdm/sum_decimator.h"
#include "stm32/clocks.h"
#include "stm32/pins.h"
#include "stm32l4/stm32l4_registers.h"

namespace kws::board::microphone {
namespace {

using pdm::kBlockSamples;

constexpr uint32_t kSampleRateHz = 16000;
// The microphone needs 10 ms after its clock began (data sheet: turn-on time). What the filters remember from before,
// 45 samples, is over then, too.
constexpr uint32_t kSettlingBlocks = 2;

// The bit clock is that of the oscillator, locked to the crystal, * kAudioPllMultiplier / 7 / kClockDivider: 1,024,040
// Hz, 39 ppm more than 64 for each sample at 16 kHz. No other divider comes nearer; without the crystal it is 616 ppm,
// and the oscillator's own error.
constexpr uint32_t kAudioPllMultiplier = 52;
constexpr uint32_t kAudioPllSeventh = 0;
constexpr uint32_t kClockDivider = 29;

constexpr uint32_t kChannel = 2;
constexpr uint32_t kOrder = dfsdm::kFOrdSinc4;
constexpr uint32_t kRatio = 8;
constexpr int32_t kFullScale = 4096;  // kRatio ^ 4, to each side
static_assert(kFullScale == pdm::kFullSum && kRatio * pdm::kSumsPerSample == 64, "the kit's first filter");

constexpr uint32_t kHalfSums = kBlockSamples * pdm::kSumsPerSample;
constexpr uint32_t kPriority = 0x80;  // after the serial port's interrupt, which has 0

constexpr uint32_t kFlags = dma::kTcIf4.mask() | dma::kHtIf4.mask() | dma::kTeIf4.mask();
constexpr uint32_t kClearFlags = dma::kCTcIf4.mask() | dma::kCHtIf4.mask() | dma::kCTeIf4.mask();

int32_t g_results[2 * kHalfSums];  // as DFSDM gives them: 24 bits, the lowest byte says the channel
pdm::SumDecimator g_decimator;
pdm::BlockQueue g_blocks;

bool StartAudioPll() {
  Register(kRcc + rcc::kCr) &= ~rcc::kPllSai1On.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllSai1Rdy.mask(), 0)) return false;
  Register(kRcc + rcc::kPllSai1Cfgr) =
      rcc::kPllSai1N(kAudioPllMultiplier) | rcc::kPllSai1P(kAudioPllSeventh) | rcc::kPllSai1PEn.mask();
  ReplaceField(kRcc + rcc::kCcipr, rcc::kSai1Sel, rcc::kSai1SelPllSai1);
  Register(kRcc + rcc::kCr) |= rcc::kPllSai1On.mask();
  return WaitFor(kRcc + rcc::kCr, rcc::kPllSai1Rdy.mask(), rcc::kPllSai1Rdy.mask());
}

void StartPeripherals() {
  Register(kRcc + rcc::kPortEnr) |= kMicrophoneClock.enable.mask() | kMicrophoneData.enable.mask();
  Register(kRcc + rcc::kAhb1Enr) |= rcc::kDma1En.mask();
  Register(kRcc + rcc::kApb2Enr) |= rcc::kDfsdmEn.mask();
  // The clock runs two cycles after the write: a read lets them pass.
  const uint32_t settled = Register(kRcc + rcc::kApb2Enr);
  (void)settled;
  UseAlternate(kMicrophoneClock);
  UseAlternate(kMicrophoneData);
}

void StopDma() { Register(kDma1 + dma::kCcr4) = 0; }

void StartDma() {
  Register(kDma1 + dma::kIfcr) = kClearFlags;
  ReplaceField(kDma1 + dma::kCselr, dma::kC4s, dma::kC4sDfsdm);
  Register(kDma1 + dma::kCpar4) = kDfsdm + dfsdm::kFlt0Rdatar;
  Register(kDma1 + dma::kCmar4) = DmaAddress(g_results);
  Register(kDma1 + dma::kCndtr4) = 2 * kHalfSums;
  // From the peripheral to memory.
  const uint32_t control = dma::kPl(dma::kPlHigh) | dma::kMSize(dma::kMSizeWord) | dma::kPSize(dma::kPSizeWord) |
                           dma::kMInc.mask() | dma::kCirc.mask() | dma::kTcIe.mask() | dma::kHtIe.mask() |
                           dma::kTeIe.mask();
  Register(kDma1 + dma::kCcr4) = control;
  Register(kDma1 + dma::kCcr4) = control | dma::kEn.mask();
}

void StopDfsdm() {
  Register(kDfsdm + dfsdm::kFlt0Cr1) = 0;
  Register(kDfsdm + dfsdm::kCh2Cfgr1) = 0;
  Register(kDfsdm + dfsdm::kCh0Cfgr1) = 0;
}

void StartDfsdm() {
  // The clock that goes out is set up before the whole is enabled. Source: the audio PLL.
  const uint32_t clock = dfsdm::kCkOutSrc.mask() | dfsdm::kCkOutDiv(kClockDivider - 1);
  Register(kDfsdm + dfsdm::kCh0Cfgr1) = clock;
  Register(kDfsdm + dfsdm::kCh0Cfgr1) = clock | dfsdm::kDfsdmEn.mask();
  // The left microphone's bit is there while the clock is low: taken as it rises.
  Register(kDfsdm + dfsdm::kCh2Cfgr2) = 0;  // neither offset nor shift
  const uint32_t channel = dfsdm::kSitp(dfsdm::kSitpRising) | dfsdm::kSpiCkSel(dfsdm::kSpiCkSelCkOut);
  Register(kDfsdm + dfsdm::kCh2Cfgr1) = channel;
  Register(kDfsdm + dfsdm::kCh2Cfgr1) = channel | dfsdm::kChEn.mask();
  Register(kDfsdm + dfsdm::kFlt0Fcr) = dfsdm::kFOrd(kOrder) | dfsdm::kFOsr(kRatio - 1) | dfsdm::kIOsr(0);
  // Fast: the filter is not filled anew for each result.
  const uint32_t filter = dfsdm::kFast.mask() | dfsdm::kRCh(kChannel) | dfsdm::kRDmaEn.mask() | dfsdm::kRCont.mask();
  Register(kDfsdm + dfsdm::kFlt0Cr1) = filter;
  Register(kDfsdm + dfsdm::kFlt0Cr1) = filter | dfsdm::kDfEn.mask();
  Register(kDfsdm + dfsdm::kFlt0Cr1) = filter | dfsdm::kDfEn.mask() | dfsdm::kRSwStart.mask();
}

// Returns whether a result was lost since the last time, because the one before had not been fetched.
bool TakeOverrun() {
  if ((Register(kDfsdm + dfsdm::kFlt0Isr) & dfsdm::kROvrF.mask()) == 0) return false;
  Register(kDfsdm + dfsdm::kFlt0Icr) = dfsdm::kClrROvrF.mask();
  return true;
}

// Ones and zeros count +1 and -1 in DFSDM, 1 and 0 in the kit's sums.
int16_t SumOf(int32_t result) {
  const int32_t value = result >> dfsdm::kRData.position;
  return static_cast<int16_t>((value + kFullScale) / 2);
}

void TakeHalf(uint32_t half) {
  constexpr size_t kPiece = pdm::SumDecimator::kMostSamples;
  static_assert(kBlockSamples % kPiece == 0);
  MemoryBarrier();  // what DMA wrote is read behind what it said
  int16_t pcm[kBlockSamples];
  const int32_t* results = g_results + half * kHalfSums;
  for (size_t done = 0; done < kBlockSamples; done += kPiece) {
    int16_t* sums = g_decimator.sums();
    for (size_t i = 0; i < kPiece * pdm::kSumsPerSample; ++i) sums[i] = SumOf(*results++);
    g_decimator.Run(kPiece, pcm + done);
  }
  g_blocks.Write(pcm);
}

}  // namespace

Status Start(uint32_t sample_rate_hz) {
  Stop();
  if (sample_rate_hz != kSampleRateHz || CoreHz() != kClockHz) return Status::kInvalidArgument;
  StartPeripherals();
  if (!StartAudioPll()) return Status::kInvalidArgument;
  g_blocks.Restart(kSettlingBlocks);
  StartDma();
  ClearPendingLine(kMicrophoneInterruptLine);
  SetLinePriority(kMicrophoneInterruptLine, kPriority);
  EnableInterruptLine(kMicrophoneInterruptLine);
  StartDfsdm();
  return Status::kOk;
}

void Stop() {
  DisableInterruptLine(kMicrophoneInterruptLine);
  if ((Register(kRcc + rcc::kApb2Enr) & rcc::kDfsdmEn.mask()) != 0) {
    StopDfsdm();
    StopDma();
    Register(kRcc + rcc::kCr) &= ~rcc::kPllSai1On.mask();
  }
  g_blocks.Restart(0);
}

size_t Read(int16_t* out, size_t capacity) { return g_blocks.Read(out, capacity); }

bool HasSamples() { return !g_blocks.is_empty(); }

uint32_t LostSamples() { return g_blocks.lost(); }

}  // namespace kws::board::microphone

extern "C" void KwsMicrophoneInterrupt() {
  using namespace kws::board;
  using namespace kws::board::microphone;
  namespace pdm = kws::pdm;
  const uint32_t flags = Register(kDma1 + dma::kIsr) & kFlags;
  Register(kDma1 + dma::kIfcr) = flags;  // the bits that clear stand where the flags do
  if (TakeOverrun()) g_blocks.Miss(1);  // a result or more was lost: a part of a sample
  if ((flags & dma::kTeIf4.mask()) != 0) {  // the hardware has ended the transfers
    g_blocks.Miss(kBlockSamples);
    StopDma();
    StartDma();
    return;
  }
  const auto half = pdm::FindWholeHalf((flags & dma::kHtIf4.mask()) != 0, (flags & dma::kTcIf4.mask()) != 0,
                                       Register(kDma1 + dma::kCndtr4) > kHalfSums);
  if (half.missed) g_blocks.Miss(kBlockSamples);
  if (half.found) TakeHalf(half.index);
}
