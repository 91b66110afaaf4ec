// The microphone of the STM32F4DISCOVERY on a model of the registers of its clocks, I2S and DMA
// (RM0090 7.3, 28.4, 10.3).
#include <cstdio>
#include <memory>
#include <numeric>
#include <vector>

#include "board_config.h"
#include "cases.h"
#include "kws/microphone.h"
#include "pdm/pdm_decimator.h"
#include "register_model.h"
#include "stm32/clocks.h"
#include "stm32_model.h"

namespace {

using kws::Status;
using kws::board::Field;
using kws::board::kDma1;
using kws::board::kRcc;
using kws::board::kSpi2;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
using kws::model::Follower;
namespace microphone = kws::board::microphone;
namespace dma = kws::board::dma;
namespace rcc = kws::board::rcc;
namespace spi = kws::board::spi;

constexpr size_t kBlockSamples = 160;
constexpr size_t kBlockWords = 4 * kBlockSamples;
constexpr size_t kSettlingBlocks = 2;
constexpr uint32_t kLine = 14;
constexpr uintptr_t kCr = kRcc + rcc::kCr;
constexpr uintptr_t kStream = kDma1 + dma::kS3Cr;
constexpr uintptr_t kLeft = kDma1 + dma::kS3Ndtr;
constexpr uintptr_t kFlags = kDma1 + dma::kLisr;
constexpr uintptr_t kConfig = kSpi2 + spi::kI2sCfgr;

uint32_t g_core_hz = KWS_CLOCK_HZ;

bool IsSet(uintptr_t address, Field field) { return (Chip::Get().word(address) & field.mask()) != 0; }

// PLL, I2S and DMA stream 3, as far as they take bits of a microphone to memory.
class Hardware {
 public:
  Hardware() {
    Chip& chip = Chip::Get();
    chip.Map(kRcc, 0x400);
    chip.Map(kSpi2, 0x400);
    chip.Map(kDma1, 0x400);
    for (const uintptr_t port : {kws::board::kGpioB, kws::board::kGpioC}) chip.Map(port, 0x400);
    chip.OnRead(kCr, [this] {
      pll_.Look();
      return Chip::Get().word(kCr);
    });
    chip.OnWrite(kRcc + rcc::kPllI2sCfgr, [](uint32_t) {
      if (IsSet(kCr, rcc::kPllI2sOn) || IsSet(kCr, rcc::kPllI2sRdy)) Fail("the PLL was set up while it runs", kRcc);
    });
    for (const uintptr_t setting : {dma::kS3Par, dma::kS3M0ar, dma::kS3Ndtr, dma::kS3Fcr}) {
      chip.OnWrite(kDma1 + setting, [](uint32_t) {
        if (IsSet(kStream, dma::kEn)) Fail("a setting of a stream that runs", kStream);
      });
    }
    chip.OnWrite(kStream, [this](uint32_t value) { WriteStream(value); });
    chip.OnRead(kStream, [this] {
      if (ending_ != 0) {
        --ending_;
        if (ending_ == 0) Chip::Get().Set(kStream, Chip::Get().word(kStream) & ~dma::kEn.mask());
      }
      return Chip::Get().word(kStream);
    });
    chip.OnWrite(kDma1 + dma::kLifcr, [](uint32_t bits) { Chip::Get().Set(kFlags, Chip::Get().word(kFlags) & ~bits); });
    chip.OnWrite(kConfig, [](uint32_t value) {
      const bool enabled = (value & spi::kI2sE.mask()) != 0;
      if (enabled && !IsSet(kCr, rcc::kPllI2sRdy)) Fail("I2S was enabled without its clock", kConfig);
    });
    chip.OnWrite(kSpi2 + spi::kI2sPr, [](uint32_t) {
      if (IsSet(kConfig, spi::kI2sE)) Fail("I2S was set up while it runs", kConfig);
    });
    chip.OnRead(kSpi2 + spi::kDr, [this] {
      data_was_read_ = true;
      return 0u;
    });
    chip.OnRead(kSpi2 + spi::kSr, [this] {
      const uint32_t status = Chip::Get().word(kSpi2 + spi::kSr);
      if (data_was_read_) Chip::Get().Set(kSpi2 + spi::kSr, status & ~spi::kOvr.mask());
      data_was_read_ = false;
      return status;
    });
    chip.SetHandler(kLine, &KwsMicrophoneInterrupt);
    chip.SetLevel(kLine, [] {
      const uint32_t flags = Chip::Get().word(kFlags), control = Chip::Get().word(kStream);
      return ((flags & dma::kHtIf3.mask()) != 0 && (control & dma::kHtIe.mask()) != 0) ||
             ((flags & dma::kTcIf3.mask()) != 0 && (control & dma::kTcIe.mask()) != 0) ||
             ((flags & dma::kTeIf3.mask()) != 0 && (control & dma::kTeIe.mask()) != 0);
    });
  }
  Hardware(const Hardware&) = delete;
  Hardware& operator=(const Hardware&) = delete;

  // The time of some words goes by.
  void Words(size_t count) {
    Chip& chip = Chip::Get();
    if (!runs()) Fail("no words: I2S does not run", kConfig);
    for (size_t i = 0; i < count; ++i) {
      const uint16_t word = bits_.Next();
      const bool asks = IsSet(kSpi2 + spi::kCr2, spi::kRxDmaEn);
      if (!asks || !IsSet(kStream, dma::kEn)) {
        chip.Set(kSpi2 + spi::kSr, chip.word(kSpi2 + spi::kSr) | spi::kOvr.mask());
        continue;
      }
      const uint32_t left = chip.word(kLeft) - 1;
      chip.Memory<uint16_t>(chip.word(kDma1 + dma::kS3M0ar))[total_ - 1 - left] = word;
      chip.Set(kLeft, left != 0 ? left : total_);
      if (left == total_ / 2) chip.Set(kFlags, chip.word(kFlags) | dma::kHtIf3.mask());
      if (left == 0) chip.Set(kFlags, chip.word(kFlags) | dma::kTcIf3.mask());
    }
    chip.Interrupt();
  }

  // DMA met an error: the stream has ended.
  void TransferError() {
    Chip& chip = Chip::Get();
    chip.Set(kStream, chip.word(kStream) & ~dma::kEn.mask());
    on_ = false;
    chip.Set(kFlags, chip.word(kFlags) | dma::kTeIf3.mask());
    chip.Interrupt();
  }

  bool runs() const {
    constexpr uint32_t kMasterReceive = 3u << 8 | 1u << 11 | 1u << 10;
    return (Chip::Get().word(kConfig) & kMasterReceive) == kMasterReceive && IsSet(kCr, rcc::kPllI2sRdy);
  }

  Follower& pll() { return pll_; }
  const std::vector<uint16_t>& words() const { return bits_.words(); }

 private:
  void WriteStream(uint32_t value) {
    const bool was_on = ending_ != 0 || on_;
    const bool is_on = (value & dma::kEn.mask()) != 0;
    if (was_on && is_on) Fail("a stream that runs was set up", kStream);
    if (is_on && Chip::Get().word(kFlags) >> 22 != 0) Fail("a stream was enabled with its flags set", kStream);
    if (is_on) {
      constexpr uint32_t kShape = 7u << 25 | 3u << 13 | 3u << 11 | 7u << 8 | 3u << 6;
      if ((value & kShape) != (1u << 13 | 1u << 11 | 1u << 10 | 1u << 8)) Fail("not SPI2 to memory in a ring", kStream);
      if (Chip::Get().word(kDma1 + dma::kS3Par) != kSpi2 + 0x0C) Fail("not from the data register", kStream);
      total_ = Chip::Get().word(kLeft);
    }
    if (was_on && !is_on) {  // it ends with the transfer under way; words that come behind it are lost
      if (runs()) Chip::Get().Set(kSpi2 + spi::kSr, Chip::Get().word(kSpi2 + spi::kSr) | spi::kOvr.mask());
      ending_ = kws::model::kLooksUntilReady;
      Chip::Get().Set(kStream, value | dma::kEn.mask());
    }
    on_ = is_on;
  }

  Follower pll_{kCr, rcc::kPllI2sOn, rcc::kPllI2sRdy};
  kws::model::Bits bits_;
  uint32_t total_ = 0;
  uint32_t ending_ = 0;
  bool on_ = false;
  bool data_was_read_ = false;
};

std::unique_ptr<Hardware> g_hardware;

void PowerUp() {
  Chip::Get().Reset();
  g_hardware = std::make_unique<Hardware>();
}

void Start() {
  PowerUp();
  Check(microphone::Start(16000) == Status::kOk, "Start()");
}

void Blocks(size_t count) {
  for (size_t i = 0; i < count; ++i) g_hardware->Words(kBlockWords);
}

std::vector<int16_t> ReadAll() {
  std::vector<int16_t> all;
  int16_t piece[37];
  for (;;) {
    const size_t count = microphone::Read(piece, 37);
    if (count == 0) return all;
    all.insert(all.end(), piece, piece + count);
  }
}

// What the decimator makes of blocks of the microphone's words, one after the other.
std::vector<int16_t> Expected(const std::vector<size_t>& blocks, size_t first_word = 0) {
  kws::pdm::PdmDecimator decimator;
  std::vector<int16_t> all(blocks.size() * kBlockSamples);
  for (size_t i = 0; i < blocks.size(); ++i) {
    decimator.Run(&g_hardware->words()[first_word + blocks[i] * kBlockWords], kBlockSamples, &all[i * kBlockSamples]);
  }
  return {all.begin() + kSettlingBlocks * kBlockSamples, all.end()};
}

void SettingsBeforeItIsEnabled() {
  Start();
  Chip& chip = Chip::Get();
  Check(chip.FirstWrite(kStream, chip.word(kStream)) < chip.FirstWrite(kConfig, chip.word(kConfig)),
        "I2S was enabled before somebody takes its words");
  Check(chip.word(kLeft) == 2 * kBlockWords, "the ring's length");
  Check(kws::board::kMicrophoneInterruptLine == kLine && chip.IsEnabled(kLine), "the interrupt line");
  Check((chip.word(0xE000E400 + kLine / 4 * 4) >> (kLine % 4 * 8) & 0xFF) == 0x80, "the line's priority");
  // PB10 and PC3: alternate function 5.
  Check((chip.word(kws::board::kGpioB) >> 20 & 3) == 2 && (chip.word(kws::board::kGpioB + 0x24) >> 8 & 15) == 5,
        "PB10");
  Check((chip.word(kws::board::kGpioC) >> 6 & 3) == 2 && (chip.word(kws::board::kGpioC + 0x20) >> 12 & 15) == 5, "PC3");
  std::printf("PLLI2SCFGR 0x%08x I2SPR 0x%08x I2SCFGR 0x%08x CFGR 0x%08x\n", chip.word(kRcc + rcc::kPllI2sCfgr),
              chip.word(kSpi2 + spi::kI2sPr), chip.word(kConfig), chip.word(kRcc + rcc::kCfgr));
}

void HalfAndFullTransferMakePcm() {
  Start();
  Blocks(kSettlingBlocks);
  Check(!microphone::HasSamples(), "what came while the microphone settles");
  Blocks(5);
  Check(microphone::HasSamples(), "no samples");
  Check(ReadAll() == Expected({0, 1, 2, 3, 4, 5, 6}), "the samples are not those of the bits");
  Check(microphone::LostSamples() == 0 && Chip::Get().interrupts() == 7, "an interrupt for each half, nothing lost");
}

void UnreadSamplesAreCounted() {
  Start();
  Blocks(kSettlingBlocks + 8);
  Check(microphone::LostSamples() == 2 * kBlockSamples, "six blocks have room, two were lost");
  Check(ReadAll() == Expected({0, 1, 2, 3, 4, 5, 6, 7}), "the oldest ones remain");
}

void LateInterruptTakesTheWholeHalf(size_t settled_blocks) {
  Start();
  Blocks(settled_blocks);
  Chip::Get().SetMasked(true);
  Blocks(2);
  g_hardware->Words(100);  // into the half that was not taken
  Chip::Get().SetMasked(false);
  Check(microphone::LostSamples() == kBlockSamples, "a half was overwritten");
  std::vector<size_t> blocks(settled_blocks);
  std::iota(blocks.begin(), blocks.end(), size_t{0});
  blocks.push_back(settled_blocks + 1);
  Check(ReadAll() == Expected(blocks), "the half that is being filled was taken");
}
void LateInterruptAfterTheFirstHalf() { LateInterruptTakesTheWholeHalf(2); }
void LateInterruptAfterTheSecondHalf() { LateInterruptTakesTheWholeHalf(3); }

void OverrunIsCountedAndCleared() {
  Start();
  Blocks(2);
  Chip::Get().Set(kSpi2 + spi::kSr, spi::kOvr.mask());
  Blocks(2);
  Check(microphone::LostSamples() == 1, "an overrun is a loss");
  Check(!IsSet(kSpi2 + spi::kSr, spi::kOvr), "the overrun stands");
  Check(ReadAll().size() == 2 * kBlockSamples, "the stream went on");
}

void TransferErrorStartsTheRingAnew() {
  Start();
  Blocks(2);
  g_hardware->Words(10);
  g_hardware->TransferError();
  Check(IsSet(kStream, dma::kEn) && Chip::Get().word(kLeft) == 2 * kBlockWords, "the ring does not begin anew");
  Check(microphone::LostSamples() == kBlockSamples, "nothing was counted");
  Blocks(1);
  const std::vector<int16_t> pcm = ReadAll();
  Check(pcm.size() == kBlockSamples && microphone::LostSamples() == kBlockSamples, "the next block");
}

void StopEndsEverything() {
  Start();
  Blocks(3);
  microphone::Stop();
  Check(!g_hardware->runs() && !IsSet(kStream, dma::kEn), "something goes on");
  Check(!IsSet(kCr, rcc::kPllI2sOn) && !IsSet(kSpi2 + spi::kCr2, spi::kRxDmaEn), "a clock or a request goes on");
  Check(!Chip::Get().IsEnabled(kLine), "the interrupt");
  Check(!microphone::HasSamples() && ReadAll().empty() && microphone::LostSamples() == 0, "samples are left");
  microphone::Stop();
}

void StopBeforeStartTouchesNothing() {
  PowerUp();
  microphone::Stop();
  Check(Chip::Get().Writes(kConfig) == 0 && Chip::Get().Writes(kStream) == 0, "peripherals without a clock");
}

void StartAnewForgets() {
  Start();
  Blocks(kSettlingBlocks + 9);
  g_hardware->Words(kBlockWords / 2);
  const size_t before = g_hardware->words().size();
  Check(microphone::Start(16000) == Status::kOk, "Start() again");
  Check(!microphone::HasSamples() && microphone::LostSamples() == 0, "something was not forgotten");
  Blocks(4);
  Check(ReadAll() == Expected({0, 1, 2, 3}, before) && microphone::LostSamples() == 0, "the former run is heard");
}

void OtherRatesAreRefused() {
  Start();
  for (const uint32_t rate : {0u, 8000u, 15999u, 16001u, 48000u}) {
    Check(microphone::Start(rate) == Status::kInvalidArgument, "a rate that there is not");
    Check(!g_hardware->runs(), "it runs at the former rate");
  }
}

void WithoutItsClockItDoesNotStart() {
  PowerUp();
  g_hardware->pll().works = false;
  Check(microphone::Start(16000) == Status::kInvalidArgument, "Start() without a clock");
  Check(!g_hardware->runs() && !Chip::Get().IsEnabled(kLine), "it was started all the same");
}

// The crystal did not start: its PLL would give another rate.
void WithoutTheCoresClockItDoesNotStart() {
  PowerUp();
  g_core_hz = 16000000;
  Check(microphone::Start(16000) == Status::kInvalidArgument && !g_hardware->runs(), "Start() without the crystal");
}

constexpr Case kCases[] = {
    {"settings_before_it_is_enabled", &SettingsBeforeItIsEnabled},
    {"half_and_full_transfer_make_pcm", &HalfAndFullTransferMakePcm},
    {"unread_samples_are_counted", &UnreadSamplesAreCounted},
    {"late_interrupt_after_the_first_half", &LateInterruptAfterTheFirstHalf},
    {"late_interrupt_after_the_second_half", &LateInterruptAfterTheSecondHalf},
    {"overrun_is_counted_and_cleared", &OverrunIsCountedAndCleared},
    {"transfer_error_starts_the_ring_anew", &TransferErrorStartsTheRingAnew},
    {"stop_ends_everything", &StopEndsEverything},
    {"stop_before_start_touches_nothing", &StopBeforeStartTouchesNothing},
    {"start_anew_forgets", &StartAnewForgets},
    {"other_rates_are_refused", &OtherRatesAreRefused},
    {"without_its_clock_it_does_not_start", &WithoutItsClockItDoesNotStart},
    {"without_the_cores_clock_it_does_not_start", &WithoutTheCoresClockItDoesNotStart},
};

}  // namespace

namespace kws::board {

uint32_t CoreHz() { return g_core_hz; }

}  // namespace kws::board

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
