// The PDM microphone of the nRF52 on a model of its registers (nRF52840 PS 6.15 PDM).
#include <memory>

#include "board_config.h"
#include "cases.h"
#include "kws/microphone.h"
#include "nrf52/nrf52.h"
#include "register_model.h"

namespace {

using kws::Status;
using kws::board::kPdm;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
namespace microphone = kws::board::microphone;
namespace pdm = kws::board::pdm;

constexpr size_t kBlockSamples = 160;
constexpr size_t kSettlingBlocks = 5;
constexpr uint32_t kLooksUntilStopped = 50;

bool g_crystal = true;

// The peripheral: double-buffered address of its DMA, events, and what it does not forgive.
class Pdm {
 public:
  Pdm() {
    Chip& chip = Chip::Get();
    chip.Map(kPdm, 0x1000);
    for (const uintptr_t setting :
         {pdm::kPselClk, pdm::kPselDin, pdm::kPdmClkCtrl, pdm::kRatio, pdm::kMode, pdm::kGainL, pdm::kGainR}) {
      chip.OnWrite(kPdm + setting, [this](uint32_t) {
        if (enabled_) Fail("a setting was changed while it is on", kPdm);
        if (runs_) Fail("a setting was changed while it runs", kPdm);
      });
    }
    chip.OnWrite(kPdm + pdm::kEnable, [this](uint32_t value) {
      if (value == 0 && runs_) Fail("disabled before it had stopped", kPdm);
      enabled_ = value == 1;
    });
    chip.OnWrite(kPdm + pdm::kIntenSet, [this](uint32_t bits) { inten_ |= bits; });
    chip.OnWrite(kPdm + pdm::kIntenClr, [this](uint32_t bits) { inten_ &= ~bits; });
    chip.OnWrite(kPdm + pdm::kTasksStart, [this](uint32_t) {
      if (!enabled_ || runs_) Fail("started while it is off, or runs", kPdm);
      runs_ = true;
      written_ = 0;
      TakeAddress();
    });
    chip.OnWrite(kPdm + pdm::kTasksStop, [this](uint32_t) { looks_until_stopped_ = kLooksUntilStopped; });
    chip.OnRead(kPdm + pdm::kEventsStopped, [this] {
      if (looks_until_stopped_ == 1) {
        runs_ = false;
        Event(pdm::kEventsEnd);  // the last sample after a stop was written, too
        Event(pdm::kEventsStopped);
      }
      if (looks_until_stopped_ != 0) --looks_until_stopped_;
      return Chip::Get().word(kPdm + pdm::kEventsStopped);
    });
    chip.SetLevel(kws::board::kPdmLine, [this] {
      return ((inten_ & pdm::kIntStarted.mask()) != 0 && Chip::Get().word(kPdm + pdm::kEventsStarted) != 0) ||
             ((inten_ & pdm::kIntEnd.mask()) != 0 && Chip::Get().word(kPdm + pdm::kEventsEnd) != 0);
    });
  }
  Pdm(const Pdm&) = delete;
  Pdm& operator=(const Pdm&) = delete;

  // The time of a block goes by. When it is full DMA takes the address that it was told and goes on at once. Which of
  // the two events an interrupt sees first is left open.
  void Block() {
    if (!runs_) Fail("no samples: it does not run", kPdm);
    while (written_ < most_) to_[written_++] = NextSample();
    started_first_ = !started_first_;
    if (!started_first_) Event(pdm::kEventsEnd);
    written_ = 0;
    TakeAddress();
    for (size_t i = 0; i < 10; ++i) to_[written_++] = NextSample();  // before anybody has looked
    Chip::Get().Interrupt();
    if (started_first_) Event(pdm::kEventsEnd);
    Chip::Get().Interrupt();
  }

  bool runs() const { return runs_; }
  bool enabled() const { return enabled_; }
  uint32_t inten() const { return inten_; }

 private:
  static void Event(uintptr_t event) { Chip::Get().Set(kPdm + event, 1); }

  int16_t NextSample() { return static_cast<int16_t>(sample_++); }

  void TakeAddress() {
    to_ = Chip::Get().Memory<int16_t>(Chip::Get().word(kPdm + pdm::kSamplePtr));
    most_ = Chip::Get().word(kPdm + pdm::kSampleMaxcnt);
    if (most_ == 0) Fail("DMA of no samples", kPdm);
    Event(pdm::kEventsStarted);
  }

  bool enabled_ = false;
  bool runs_ = false;
  bool started_first_ = false;
  uint32_t inten_ = 0;
  uint32_t looks_until_stopped_ = 0;
  uint32_t written_ = 0;
  uint32_t most_ = 0;
  int16_t* to_ = nullptr;
  uint32_t sample_ = 0;
};

std::unique_ptr<Pdm> g_pdm;

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kws::board::kPort0, 0x1000);  // and port 1
  g_pdm = std::make_unique<Pdm>();
  chip.SetHandler(kws::board::kPdmLine, &KwsMicrophoneInterrupt);
}

void Start() {
  PowerUp();
  Check(microphone::Start(16000) == Status::kOk, "Start()");
}

void Blocks(size_t count) {
  for (size_t i = 0; i < count; ++i) g_pdm->Block();
}

// Fetches all there is; samples count up from `first`. Returns how many.
size_t Fetch(uint32_t first, size_t capacity = 100) {
  int16_t samples[400];
  size_t count = 0;
  while (const size_t got = microphone::Read(samples, capacity)) {
    for (size_t i = 0; i < got; ++i) {
      Check(samples[i] == static_cast<int16_t>(first + count + i), "a sample is wrong, or in the wrong place");
    }
    count += got;
  }
  return count;
}

void SettingsBeforeItIsEnabled() {
  Start();
  const Chip& chip = Chip::Get();
  const size_t enable = chip.FirstWrite(kPdm + pdm::kEnable, 1);
  const size_t start = chip.FirstWrite(kPdm + pdm::kTasksStart, 1);
  for (const uintptr_t setting : {pdm::kPselClk, pdm::kPselDin, pdm::kPdmClkCtrl, pdm::kRatio, pdm::kMode}) {
    const size_t place = chip.FirstWrite(kPdm + setting, chip.word(kPdm + setting));
    Check(place < enable && chip.Writes(kPdm + setting) == 1, "a setting after ENABLE");
  }
  const size_t maxcnt = chip.FirstWrite(kPdm + pdm::kSampleMaxcnt, kBlockSamples);
  Check(enable < start && maxcnt < start && chip.Writes(kPdm + pdm::kSamplePtr) >= 1, "DMA is told before START");
  Check(chip.word(kPdm + pdm::kPselClk) == kws::board::kMicrophoneClock.Psel(), "the clock's pin");
  Check(chip.word(kPdm + pdm::kPselDin) == kws::board::kMicrophoneData.Psel(), "the data's pin");
  Check(chip.word(kPdm + pdm::kMode) == 1, "one channel, the left one, at the falling edge");
  if (kws::board::kMicrophoneHasPowerPin) {
    const kws::board::Pin power = kws::board::kMicrophonePower;
    Check(chip.FirstWrite(power.base() + kws::board::gpio::kOutSet, power.mask()) < enable, "power before the clock");
  }
  std::printf("PDMCLKCTRL 0x%08x RATIO %u\n", chip.word(kPdm + pdm::kPdmClkCtrl), chip.word(kPdm + pdm::kRatio));
}

void SamplesInOrder() {
  Start();
  Blocks(kSettlingBlocks);
  Check(!microphone::HasSamples(), "samples while it settles");
  uint32_t first = kSettlingBlocks * kBlockSamples;
  for (uint32_t round = 0; round < 500; ++round) {
    Blocks(1 + round % 5);
    Check(microphone::HasSamples(), "HasSamples()");
    const size_t count = Fetch(first, 1 + round % 399);
    Check(count == (1 + round % 5) * kBlockSamples, "samples are missing");
    first += static_cast<uint32_t>(count);
  }
  Check(microphone::LostSamples() == 0 && !microphone::HasSamples(), "lost");
}

// The interrupt comes late, by less than a block.
void InterruptIsLate() {
  Start();
  Blocks(kSettlingBlocks);
  uint32_t first = kSettlingBlocks * kBlockSamples;
  for (uint32_t round = 0; round < 50; ++round) {
    kws::board::MaskInterrupts();
    Blocks(1);
    kws::board::UnmaskInterrupts();
    first += static_cast<uint32_t>(Fetch(first));
  }
  Check(first == (kSettlingBlocks + 50) * kBlockSamples, "samples are missing");
}

void NobodyFetches() {
  Start();
  Blocks(kSettlingBlocks + 20);
  const uint32_t lost = microphone::LostSamples();
  const size_t kept = Fetch(kSettlingBlocks * kBlockSamples);
  Check(lost > 0 && kept > 0 && lost + kept == 20 * kBlockSamples, "kept and lost samples are not all");
  Blocks(1);
  Check(Fetch((kSettlingBlocks + 20) * kBlockSamples) == kBlockSamples, "it does not go on after an overrun");
}

void StopWaitsAndForgets() {
  Start();
  Blocks(kSettlingBlocks + 2);
  microphone::Stop();
  Check(!g_pdm->runs() && !g_pdm->enabled(), "it runs after Stop()");
  Check(!microphone::HasSamples() && microphone::LostSamples() == 0, "Stop() forgets");
  Check(!Chip::Get().IsEnabled(kws::board::kPdmLine), "the interrupt after Stop()");
  if (kws::board::kMicrophoneHasPowerPin) {
    const kws::board::Pin power = kws::board::kMicrophonePower;
    const Chip& chip = Chip::Get();
    const size_t off = chip.FirstWrite(power.base() + kws::board::gpio::kOutClr, power.mask());
    Check(chip.FirstWrite(kPdm + pdm::kEnable, 0) < off && off < chip.log().size(), "power off at last");
  }
  const size_t accesses = Chip::Get().log().size();
  microphone::Stop();
  Check(Chip::Get().log().size() == accesses, "a second Stop() does nothing");
}

void StartsAnew() {
  Start();
  Blocks(kSettlingBlocks + 9);
  Check(microphone::LostSamples() > 0, "this test needs an overrun");
  for (uint32_t round = 0; round < 3; ++round) {
    Check(microphone::Start(16000) == Status::kOk, "a second Start()");
    Check(microphone::LostSamples() == 0 && !microphone::HasSamples(), "it forgets what was");
    Blocks(kSettlingBlocks + 1);
    int16_t samples[2 * kBlockSamples];
    Check(microphone::Read(samples, 2 * kBlockSamples) == kBlockSamples, "a block after the start");
    for (size_t i = 1; i < kBlockSamples; ++i) {
      Check(samples[i] == static_cast<int16_t>(samples[0] + static_cast<int16_t>(i)), "the block is mixed");
    }
  }
}

// A boot loader has left it on, with an interrupt.
void PeripheralThatIsOnIsSetUpAnew() {
  PowerUp();
  kws::board::Register(kPdm + pdm::kEnable) = 1;
  kws::board::Register(kPdm + pdm::kIntenSet) = 1u << 1;
  Check(microphone::Start(16000) == Status::kOk, "Start()");  // the model ends the test where it is set up while on
  Check((g_pdm->inten() & 1u << 1) == 0, "an interrupt of the boot loader's is left");
  Blocks(kSettlingBlocks + 1);
  Check(Fetch(kSettlingBlocks * kBlockSamples) == kBlockSamples, "samples");
}

void AnotherRateIsRefused() {
  PowerUp();
  Check(microphone::Start(8000) == Status::kInvalidArgument && !g_pdm->enabled(), "8 kHz");
  g_crystal = false;
  Check(microphone::Start(16000) == Status::kInvalidArgument && !g_pdm->enabled(), "without the crystal");
  Check(!microphone::HasSamples(), "samples");
}

constexpr Case kCases[] = {
    {"settings_before_it_is_enabled", &SettingsBeforeItIsEnabled},
    {"samples_in_order", &SamplesInOrder},
    {"interrupt_is_late", &InterruptIsLate},
    {"nobody_fetches", &NobodyFetches},
    {"stop_waits_and_forgets", &StopWaitsAndForgets},
    {"starts_anew", &StartsAnew},
    {"peripheral_that_is_on_is_set_up_anew", &PeripheralThatIsOnIsSetUpAnew},
    {"another_rate_is_refused", &AnotherRateIsRefused},
};

}  // namespace

namespace kws::board {

bool CrystalRuns() { return g_crystal; }

}  // namespace kws::board

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
