// The MP45DT02 on I2S2: the I2S gives its clock and takes a bit at each; DMA fills a ring of two halves, and the
// interrupt of each half makes PCM of it.
//
// Why there and not in Read(): the ring between interrupt and main thread then holds samples, of which 64 ms are 2 KB
// (PDM of 64 ms: 8 KB), and what does not fit is counted in samples. It takes 42,000
// instructions in 10 ms, which are 1,680,000 clocks, and the serial port's interrupt goes before it.
#include <cstddef>
#include <cstdint>

#include "board_config.h"
#include "cortex_m/board_facts.h"
#include "cortex_m/registers.h"
#include "kws/microphone.h"
#include "pdm/block_queue.h"
#include "pdm/halves.h"
#include "pdm/pdm_decimator.h"
#include "stm32/clocks.h"
#include "stm32/pins.h"
#include "stm32f4/clocks.h"
#include "stm32f4/stm32f4_registers.h"

namespace kws::board::microphone {
namespace {

using pdm::kBlockSamples;

constexpr uint32_t kSampleRateHz = 16000;
// The microphone needs 10 ms after its clock began (data sheet: turn-on time). What the filters remember from before,
// 45 samples, is over then, too.
constexpr uint32_t kSettlingBlocks = 2;

// The bit clock is 1 MHz * kI2sPllMultiplier / kI2sPllDivider / (2 * kDivider + 1) = 1.024 MHz: exactly 64 for each
// sample. A frame of I2S has two channels of 16 bits, which are one stream here.
constexpr uint32_t kI2sPllMultiplier = 256;
constexpr uint32_t kI2sPllDivider = 2;
constexpr uint32_t kDivider = 62;
constexpr uint32_t kBitHz = kSampleRateHz * pdm::kWordsPerSample * 16;
static_assert(uint64_t{kPllInputHz} * kI2sPllMultiplier == uint64_t{kBitHz} * kI2sPllDivider * (2 * kDivider + 1));

constexpr uint32_t kHalfWords = kBlockSamples * pdm::kWordsPerSample;
constexpr uint32_t kPriority = 0x80;  // after the serial port's interrupt, which has 0

constexpr uint32_t kFlags = dma::kTcIf3.mask() | dma::kHtIf3.mask() | dma::kTeIf3.mask() | dma::kDmeIf3.mask();
constexpr uint32_t kClearFlags =
    dma::kCTcIf3.mask() | dma::kCHtIf3.mask() | dma::kCTeIf3.mask() | dma::kCDmeIf3.mask() | dma::kCFeIf3.mask();

uint16_t g_words[2 * kHalfWords];
pdm::PdmDecimator g_decimator;
pdm::BlockQueue g_blocks;

bool StartI2sPll() {
  Register(kRcc + rcc::kCr) &= ~rcc::kPllI2sOn.mask();
  if (!WaitFor(kRcc + rcc::kCr, rcc::kPllI2sRdy.mask(), 0)) return false;
  Register(kRcc + rcc::kPllI2sCfgr) = rcc::kPllI2sN(kI2sPllMultiplier) | rcc::kPllI2sR(kI2sPllDivider);
  Register(kRcc + rcc::kCfgr) &= ~rcc::kI2sSrc.mask();  // that PLL, no clock from outside
  Register(kRcc + rcc::kCr) |= rcc::kPllI2sOn.mask();
  return WaitFor(kRcc + rcc::kCr, rcc::kPllI2sRdy.mask(), rcc::kPllI2sRdy.mask());
}

void StartPeripherals() {
  Register(kRcc + rcc::kPortEnr) |= kMicrophoneClock.enable.mask() | kMicrophoneData.enable.mask();
  Register(kRcc + rcc::kAhb1Enr) |= rcc::kDma1En.mask();
  Register(kRcc + rcc::kApb1Enr) |= rcc::kSpi2En.mask();
  // The clock runs two cycles after the write: a read lets them pass.
  const uint32_t settled = Register(kRcc + rcc::kApb1Enr);
  (void)settled;
  UseAlternate(kMicrophoneClock);
  UseAlternate(kMicrophoneData);
}

// False: the stream did not end.
bool StopDma() {
  Register(kDma1 + dma::kS3Cr) &= ~dma::kEn.mask();
  return WaitFor(kDma1 + dma::kS3Cr, dma::kEn.mask(), 0);
}

void StartDma() {
  Register(kDma1 + dma::kLifcr) = kClearFlags;
  Register(kDma1 + dma::kS3Par) = kSpi2 + spi::kDr;
  Register(kDma1 + dma::kS3M0ar) = DmaAddress(g_words);
  Register(kDma1 + dma::kS3Ndtr) = 2 * kHalfWords;
  Register(kDma1 + dma::kS3Fcr) = 0;  // each word goes to memory as it comes
  // Channel 0 of the stream: SPI2_RX. From the peripheral to memory.
  const uint32_t control = dma::kPl(dma::kPlHigh) | dma::kMSize(dma::kMSizeHalfWord) |
                           dma::kPSize(dma::kPSizeHalfWord) | dma::kMInc.mask() | dma::kCirc.mask() |
                           dma::kTcIe.mask() | dma::kHtIe.mask() | dma::kTeIe.mask() | dma::kDmeIe.mask();
  Register(kDma1 + dma::kS3Cr) = control;
  Register(kDma1 + dma::kS3Cr) = control | dma::kEn.mask();
}

void StartI2s() {
  Register(kSpi2 + spi::kI2sCfgr) = 0;
  Register(kSpi2 + spi::kI2sPr) = spi::kI2sDiv(kDivider) | spi::kOdd.mask();
  // As ST's own driver of the board has it: right-justified words of 16 bits (which fill the channel, so that it does
  // not matter), clock high at rest.
  const uint32_t config =
      spi::kI2sMod.mask() | spi::kI2sCfg(spi::kI2sMasterReceive) | spi::kI2sStd(spi::kI2sStdRight) | spi::kCkPol.mask();
  Register(kSpi2 + spi::kI2sCfgr) = config;
  Register(kSpi2 + spi::kCr2) = spi::kRxDmaEn.mask();
  Register(kSpi2 + spi::kI2sCfgr) = config | spi::kI2sE.mask();
}

// Reading the data and then the status clears an overrun. Returns whether there was one.
bool TakeOverrun() {
  if ((Register(kSpi2 + spi::kSr) & spi::kOvr.mask()) == 0) return false;
  const uint32_t data = Register(kSpi2 + spi::kDr);
  const uint32_t status = Register(kSpi2 + spi::kSr);
  (void)data;
  (void)status;
  return true;
}

void TakeHalf(uint32_t half) {
  MemoryBarrier();  // what DMA wrote is read behind what it said
  int16_t pcm[kBlockSamples];
  g_decimator.Run(g_words + half * kHalfWords, kBlockSamples, pcm);
  g_blocks.Write(pcm);
}

}  // namespace

Status Start(uint32_t sample_rate_hz) {
  Stop();
  if (sample_rate_hz != kSampleRateHz || CoreHz() != kClockHz) return Status::kInvalidArgument;
  StartPeripherals();
  if (!StopDma() || !StartI2sPll()) return Status::kInvalidArgument;
  g_blocks.Restart(kSettlingBlocks);
  StartDma();
  ClearPendingLine(kMicrophoneInterruptLine);
  SetLinePriority(kMicrophoneInterruptLine, kPriority);
  EnableInterruptLine(kMicrophoneInterruptLine);
  StartI2s();
  return Status::kOk;
}

void Stop() {
  DisableInterruptLine(kMicrophoneInterruptLine);
  if ((Register(kRcc + rcc::kApb1Enr) & rcc::kSpi2En.mask()) != 0) {
    (void)StopDma();
    Register(kSpi2 + spi::kCr2) = 0;
    Register(kSpi2 + spi::kI2sCfgr) &= ~spi::kI2sE.mask();
    (void)TakeOverrun();
    Register(kRcc + rcc::kCr) &= ~rcc::kPllI2sOn.mask();
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
  const uint32_t flags = Register(kDma1 + dma::kLisr) & kFlags;
  Register(kDma1 + dma::kLifcr) = flags;  // the bits that clear stand where the flags do
  if (TakeOverrun()) g_blocks.Miss(1);  // a word or more was lost: a part of a sample
  if ((flags & (dma::kTeIf3.mask() | dma::kDmeIf3.mask())) != 0) {  // the stream is not what it was
    g_blocks.Miss(kBlockSamples);
    if (StopDma()) StartDma();
    return;
  }
  const auto half = pdm::FindWholeHalf((flags & dma::kHtIf3.mask()) != 0, (flags & dma::kTcIf3.mask()) != 0,
                                       Register(kDma1 + dma::kS3Ndtr) > kHalfWords);
  if (half.missed) g_blocks.Miss(kBlockSamples);
  if (half.found) TakeHalf(half.index);
}
