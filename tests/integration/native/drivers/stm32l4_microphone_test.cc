// The microphone of the B-L475E-IOT01A on a model of the registers of its clocks, DFSDM and DMA (RM0351 6.4, 24, 11).
#include <cstdio>
#include <memory>
#include <vector>

#include "board_config.h"
#include "cases.h"
#include "kws/microphone.h"
#include "pdm/pdm_decimator.h"
#include "register_model.h"
#include "stm32/clocks.h"
#include "stm32_model.h"
#include "stm32l4/clocks.h"

namespace {

using kws::Status;
using kws::board::Field;
using kws::board::kDfsdm;
using kws::board::kDma1;
using kws::board::kRcc;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
using kws::model::Follower;
namespace microphone = kws::board::microphone;
namespace dfsdm = kws::board::dfsdm;
namespace dma = kws::board::dma;
namespace rcc = kws::board::rcc;

constexpr size_t kBlockSamples = 160;
constexpr size_t kBlockWords = 4 * kBlockSamples;
constexpr size_t kSettlingBlocks = 2;
constexpr uint32_t kLine = 14;
constexpr uint32_t kRing = 2 * 8 * kBlockSamples;
constexpr uintptr_t kCr = kRcc + rcc::kCr;
constexpr uintptr_t kChannel = kDma1 + dma::kCcr4;
constexpr uintptr_t kLeft = kDma1 + dma::kCndtr4;
constexpr uintptr_t kFlags = kDma1 + dma::kIsr;
constexpr uintptr_t kClock = kDfsdm + dfsdm::kCh0Cfgr1;
constexpr uintptr_t kFilter = kDfsdm + dfsdm::kFlt0Cr1;
constexpr uintptr_t kOverrun = kDfsdm + dfsdm::kFlt0Isr;

uint32_t g_core_hz = KWS_CLOCK_HZ;

bool IsSet(uintptr_t address, Field field) { return (Chip::Get().word(address) & field.mask()) != 0; }

// PLL, DFSDM with its sinc filter, and channel 4 of the DMA.
class Hardware {
 public:
  Hardware() {
    Chip& chip = Chip::Get();
    chip.Map(kRcc, 0x400);
    chip.Map(kDfsdm, 0x800);
    chip.Map(kDma1, 0x400);
    chip.Map(kws::board::kGpioE, 0x400);
    chip.OnRead(kCr, [this] {
      pll_.Look();
      return Chip::Get().word(kCr);
    });
    chip.OnWrite(kRcc + rcc::kPllSai1Cfgr, [](uint32_t) {
      if (IsSet(kCr, rcc::kPllSai1On) || IsSet(kCr, rcc::kPllSai1Rdy)) Fail("the PLL was set up while it runs", kRcc);
    });
    for (const uintptr_t setting : {dma::kCpar4, dma::kCmar4, dma::kCndtr4}) {
      chip.OnWrite(kDma1 + setting, [](uint32_t) {
        if (IsSet(kChannel, dma::kEn)) Fail("a setting of a channel that runs", kChannel);
      });
    }
    chip.OnWrite(kChannel, [this](uint32_t value) {
      const bool enables = (value & dma::kEn.mask()) != 0;
      if (!enables) return;
      constexpr uint32_t kShape = 1u << 14 | 3u << 10 | 3u << 8 | 7u << 5 | 1u << 4;
      if ((value & kShape) != (2u << 10 | 2u << 8 | 1u << 7 | 1u << 5)) Fail("no words to memory in a ring", kChannel);
      if (Chip::Get().word(kDma1 + dma::kCpar4) != kDfsdm + 0x11C) Fail("not from the filter's results", kChannel);
      if ((Chip::Get().word(kFlags) >> 12 & 15) != 0) Fail("a channel was enabled with its flags set", kChannel);
      total_ = Chip::Get().word(kLeft);
    });
    chip.OnWrite(kDma1 + dma::kIfcr, [](uint32_t bits) { Chip::Get().Set(kFlags, Chip::Get().word(kFlags) & ~bits); });
    ModelDfsdm();
    chip.SetHandler(kLine, &KwsMicrophoneInterrupt);
    chip.SetLevel(kLine, [] {
      const uint32_t flags = Chip::Get().word(kFlags), control = Chip::Get().word(kChannel);
      return ((flags & dma::kHtIf4.mask()) != 0 && (control & dma::kHtIe.mask()) != 0) ||
             ((flags & dma::kTcIf4.mask()) != 0 && (control & dma::kTcIe.mask()) != 0) ||
             ((flags & dma::kTeIf4.mask()) != 0 && (control & dma::kTeIe.mask()) != 0);
    });
    for (size_t i = 0; i < 64; ++i) history_.push_back(i % 2 == 0);
  }
  Hardware(const Hardware&) = delete;
  Hardware& operator=(const Hardware&) = delete;

  // The time of 16 bits, or so many times that, goes by.
  void Words(size_t count) {
    if (!runs()) Fail("no words: DFSDM does not run", kFilter);
    for (size_t i = 0; i < count; ++i) {
      const uint16_t word = bits_.Next();
      for (int bit = 15; bit >= 0; --bit) {
        history_.push_back((word >> bit & 1) != 0);
        if (bit % 8 == 0) Result();
      }
    }
    Chip::Get().Interrupt();
  }

  // DMA met an error: the channel is off.
  void TransferError() {
    Chip& chip = Chip::Get();
    chip.Set(kChannel, chip.word(kChannel) & ~dma::kEn.mask());
    chip.Set(kFlags, chip.word(kFlags) | dma::kTeIf4.mask());
    chip.Interrupt();
  }

  bool runs() const {
    const uint32_t channel = Chip::Get().word(kDfsdm + dfsdm::kCh2Cfgr1);
    const uint32_t filter = Chip::Get().word(kFilter);
    // Channel 2: serial data of its own pin, rising edge, CKOUT. Filter: channel 2, continuous, fast.
    return enabled_ && converts_ && channel == (1u << 7 | 1u << 2) && (filter >> 24 & 7) == 2 &&
           (filter & dfsdm::kRCont.mask()) != 0 && (filter & dfsdm::kFast.mask()) != 0;
  }

  Follower& pll() { return pll_; }
  const std::vector<uint16_t>& words() const { return bits_.words(); }

 private:
  void ModelDfsdm() {
    Chip& chip = Chip::Get();
    chip.OnWrite(kClock, [this](uint32_t value) {
      const bool enabled = (value & dfsdm::kDfsdmEn.mask()) != 0;
      if (enabled && enabled_ && value != clock_) Fail("the clock was set up while it goes out", kClock);
      if (enabled && !IsSet(kCr, rcc::kPllSai1Rdy)) Fail("DFSDM was enabled without its clock", kClock);
      enabled_ = enabled;
      clock_ = value;
    });
    chip.OnWrite(kDfsdm + dfsdm::kFlt0Fcr, [](uint32_t) {
      if (IsSet(kFilter, dfsdm::kDfEn)) Fail("a setting of a filter that runs", kFilter);
    });
    chip.OnWrite(kFilter, [this](uint32_t value) {
      const bool enabled = (value & dfsdm::kDfEn.mask()) != 0;
      if (enabled && !filter_enabled_ && (value & dfsdm::kRSwStart.mask()) != 0) {
        Fail("conversions were started with the filter still off", kFilter);
      }
      if ((value & dfsdm::kRSwStart.mask()) != 0) converts_ = enabled;
      if (!enabled) converts_ = false;
      filter_enabled_ = enabled;
    });
    chip.OnWrite(kDfsdm + dfsdm::kFlt0Icr, [](uint32_t bits) {
      if ((bits & dfsdm::kClrROvrF.mask()) != 0) {
        Chip::Get().Set(kOverrun, Chip::Get().word(kOverrun) & ~dfsdm::kROvrF.mask());
      }
    });
  }

  // What the sinc filter of order 4 and ratio 8 gives: four moving sums of 8 over ones and minus ones.
  int32_t Sinc() const {
    if (Chip::Get().word(kDfsdm + dfsdm::kFlt0Fcr) != (4u << 29 | 7u << 16)) Fail("another filter", kFilter);
    int32_t values[32];
    for (size_t i = 0; i < 32; ++i) values[i] = history_[history_.size() - 32 + i] ? 1 : -1;
    size_t count = 32;
    for (int order = 0; order < 4; ++order) {
      count -= 7;
      for (size_t i = 0; i < count; ++i) {
        int32_t sum = 0;
        for (size_t j = 0; j < 8; ++j) sum += values[i + j];
        values[i] = sum;
      }
    }
    return values[count - 1];
  }

  void Result() {
    Chip& chip = Chip::Get();
    const uint32_t result = static_cast<uint32_t>(Sinc()) << 8 | 2;  // the channel stands below
    if (!IsSet(kChannel, dma::kEn) || !IsSet(kFilter, dfsdm::kRDmaEn)) {
      chip.Set(kOverrun, chip.word(kOverrun) | dfsdm::kROvrF.mask());
      return;
    }
    const uint32_t left = chip.word(kLeft) - 1;
    chip.Memory<uint32_t>(chip.word(kDma1 + dma::kCmar4))[total_ - 1 - left] = result;
    chip.Set(kLeft, left != 0 ? left : total_);
    if (left == total_ / 2) chip.Set(kFlags, chip.word(kFlags) | dma::kHtIf4.mask());
    if (left == 0) chip.Set(kFlags, chip.word(kFlags) | dma::kTcIf4.mask());
  }

  Follower pll_{kCr, rcc::kPllSai1On, rcc::kPllSai1Rdy};
  kws::model::Bits bits_;
  std::vector<bool> history_;
  uint32_t total_ = 0;
  uint32_t clock_ = 0;
  bool enabled_ = false;
  bool filter_enabled_ = false;
  bool converts_ = false;
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

// What the decimator of bits makes of blocks of the microphone's words, one after the other.
std::vector<int16_t> Expected(const std::vector<size_t>& blocks) {
  kws::pdm::PdmDecimator decimator;
  std::vector<int16_t> all(blocks.size() * kBlockSamples);
  for (size_t i = 0; i < blocks.size(); ++i) {
    decimator.Run(&g_hardware->words()[blocks[i] * kBlockWords], kBlockSamples, &all[i * kBlockSamples]);
  }
  return {all.begin() + kSettlingBlocks * kBlockSamples, all.end()};
}

void SettingsBeforeItIsEnabled() {
  Start();
  Chip& chip = Chip::Get();
  Check(chip.FirstWrite(kChannel, chip.word(kChannel)) < chip.FirstWrite(kFilter, chip.word(kFilter)),
        "conversions begin before somebody takes them");
  Check(chip.word(kLeft) == kRing, "the ring's length");
  Check((chip.word(kDma1 + dma::kCselr) >> 12 & 15) == 0, "the channel's request");
  Check(chip.IsEnabled(kLine) && (chip.word(0xE000E400 + 12) >> 16 & 0xFF) == 0x80, "the interrupt and its priority");
  Check(chip.word(kDfsdm + dfsdm::kCh2Cfgr2) == 0, "neither offset nor shift");
  // PE9 and PE7: alternate function 6.
  Check((chip.word(kws::board::kGpioE) >> 18 & 3) == 2 && (chip.word(kws::board::kGpioE + 0x24) >> 4 & 15) == 6, "PE9");
  Check((chip.word(kws::board::kGpioE) >> 14 & 3) == 2 && (chip.word(kws::board::kGpioE + 0x20) >> 28 & 15) == 6,
        "PE7");
  std::printf("PLLSAI1CFGR 0x%08x CHCFG0R1 0x%08x FCR 0x%08x CCIPR 0x%08x\n", chip.word(kRcc + rcc::kPllSai1Cfgr),
              chip.word(kClock), chip.word(kDfsdm + dfsdm::kFlt0Fcr), chip.word(kRcc + rcc::kCcipr));
}

// The DFSDM's sums and the kit's own are the same: so is the PCM.
void HalfAndFullTransferMakePcm() {
  Start();
  Blocks(kSettlingBlocks);
  Check(!microphone::HasSamples(), "what came while the microphone settles");
  Blocks(5);
  Check(ReadAll() == Expected({0, 1, 2, 3, 4, 5, 6}), "the samples are not those of the bits");
  Check(microphone::LostSamples() == 0 && Chip::Get().interrupts() == 7, "an interrupt for each half, nothing lost");
}

void UnreadSamplesAreCounted() {
  Start();
  Blocks(kSettlingBlocks + 8);
  Check(microphone::LostSamples() == 2 * kBlockSamples, "six blocks have room, two were lost");
  Check(ReadAll().size() == 6 * kBlockSamples, "the oldest ones remain");
}

void LateInterruptTakesTheWholeHalf() {
  for (const size_t settled : {2, 3}) {
    Start();
    Blocks(settled);
    (void)ReadAll();
    Chip::Get().SetMasked(true);
    Blocks(2);
    g_hardware->Words(100);  // into the half that was not taken
    Chip::Get().SetMasked(false);
    Check(microphone::LostSamples() == kBlockSamples, "a half was overwritten");
    // Behind the gap the filters remember another past: the last samples show which half it was.
    const std::vector<int16_t> found = ReadAll(), whole = Expected(settled == 2 ? std::vector<size_t>{0, 1, 2, 3}
                                                                                : std::vector<size_t>{0, 1, 2, 3, 4});
    const std::vector<int16_t> tail(found.end() - 100, found.end());
    Check(found.size() == kBlockSamples && tail == std::vector<int16_t>(whole.end() - 100, whole.end()),
          "the half that is being filled was taken");
    microphone::Stop();
  }
}

void OverrunIsCountedAndCleared() {
  Start();
  Blocks(2);
  Chip::Get().Set(kOverrun, dfsdm::kROvrF.mask());
  Blocks(2);
  Check(microphone::LostSamples() == 1 && !IsSet(kOverrun, dfsdm::kROvrF), "an overrun, and its cause");
  Check(ReadAll().size() == 2 * kBlockSamples, "the results go on");
}

void TransferErrorStartsTheRingAnew() {
  Start();
  Blocks(2);
  g_hardware->Words(10);
  g_hardware->TransferError();
  Check(IsSet(kChannel, dma::kEn) && Chip::Get().word(kLeft) == kRing, "the ring does not begin anew");
  Check(microphone::LostSamples() == kBlockSamples, "nothing was counted");
  Blocks(1);
  Check(ReadAll().size() == kBlockSamples && microphone::LostSamples() == kBlockSamples, "the next block");
}

void StopEndsEverything() {
  Start();
  Blocks(3);
  microphone::Stop();
  Check(!g_hardware->runs() && !IsSet(kChannel, dma::kEn) && !IsSet(kCr, rcc::kPllSai1On), "something goes on");
  Check(!IsSet(kClock, dfsdm::kDfsdmEn) && !Chip::Get().IsEnabled(kLine), "the clock, or the interrupt");
  Check(!microphone::HasSamples() && microphone::LostSamples() == 0, "samples are left");
  microphone::Stop();
}

void StopBeforeStartTouchesNothing() {
  PowerUp();
  microphone::Stop();
  Check(Chip::Get().Writes(kFilter) == 0 && Chip::Get().Writes(kChannel) == 0, "peripherals without a clock");
}

void StartAnewForgets() {
  Start();
  Blocks(kSettlingBlocks + 9);
  g_hardware->Words(100);
  Check(microphone::Start(16000) == Status::kOk, "Start() again");
  Check(!microphone::HasSamples() && microphone::LostSamples() == 0, "something was not forgotten");
  Blocks(kSettlingBlocks + 1);
  Check(ReadAll().size() == kBlockSamples && g_hardware->runs(), "it does not run again");
}

void OtherRatesAreRefused() {
  Start();
  for (const uint32_t rate : {0u, 8000u, 48000u}) {
    Check(microphone::Start(rate) == Status::kInvalidArgument && !g_hardware->runs(), "a rate that there is not");
  }
}

void WithoutItsClockItDoesNotStart() {
  PowerUp();
  g_hardware->pll().works = false;
  Check(microphone::Start(16000) == Status::kInvalidArgument, "Start() without a clock");
  Check(!g_hardware->runs() && !Chip::Get().IsEnabled(kLine), "it was started all the same");
}

// The oscillator has another rate then, which the audio PLL does not take.
void WithoutTheCoresClockItDoesNotStart() {
  PowerUp();
  g_core_hz = 48000000;
  Check(microphone::Start(16000) == Status::kInvalidArgument && !g_hardware->runs(), "Start() at a clock of need");
}

constexpr Case kCases[] = {
    {"settings_before_it_is_enabled", &SettingsBeforeItIsEnabled},
    {"half_and_full_transfer_make_pcm", &HalfAndFullTransferMakePcm},
    {"unread_samples_are_counted", &UnreadSamplesAreCounted},
    {"late_interrupt_takes_the_whole_half", &LateInterruptTakesTheWholeHalf},
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
