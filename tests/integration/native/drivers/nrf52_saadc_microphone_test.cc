// The analog microphone of the nRF52 on a model of its registers (nRF52833 PS 6.22 SAADC, 6.29 TIMER, 6.15 PPI).
#include <memory>

#include "board_config.h"
#include "cases.h"
#include "kws/microphone.h"
#include "nrf52/nrf52.h"
#include "register_model.h"

namespace {

using kws::Status;
using kws::board::kPpi;
using kws::board::kSaadc;
using kws::board::kTimer2;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
namespace microphone = kws::board::microphone;
namespace ppi = kws::board::ppi;
namespace saadc = kws::board::saadc;
namespace timer = kws::board::timer;

constexpr size_t kBlockSamples = 160;
constexpr size_t kSettlingBlocks = 5;
constexpr uint32_t kLooksUntilStopped = 50;

bool g_crystal = true;

// The converter, the timer that starts its conversions and the channels between them.
class Converter {
 public:
  Converter() {
    Chip& chip = Chip::Get();
    for (const uintptr_t base : {kSaadc, kTimer2, kPpi}) chip.Map(base, 0x1000);
    for (const uintptr_t setting : {saadc::kPselP, saadc::kConfig, saadc::kResolution}) {
      chip.OnWrite(kSaadc + setting, [this](uint32_t) {
        if (enabled_) Fail("a setting was changed while it is on", kSaadc);
      });
    }
    chip.OnWrite(kSaadc + saadc::kEnable, [this](uint32_t value) {
      if (value == 0 && busy_) Fail("off before it had stopped", kSaadc);
      enabled_ = value == 1;
    });
    chip.OnWrite(kSaadc + saadc::kIntenSet, [this](uint32_t bits) { inten_ |= bits; });
    chip.OnWrite(kSaadc + saadc::kIntenClr, [this](uint32_t bits) { inten_ &= ~bits; });
    chip.OnWrite(kSaadc + saadc::kTasksStart, [this](uint32_t) { TakeAddress(); });
    chip.OnWrite(kSaadc + saadc::kTasksStop, [this](uint32_t) { looks_until_stopped_ = kLooksUntilStopped; });
    chip.OnRead(kSaadc + saadc::kEventsStopped, [this] {
      if (looks_until_stopped_ == 1) {
        busy_ = false;
        Event(saadc::kEventsStopped);
      }
      if (looks_until_stopped_ != 0) --looks_until_stopped_;
      return Chip::Get().word(kSaadc + saadc::kEventsStopped);
    });
    chip.OnWrite(kTimer2 + timer::kTasksStart, [this](uint32_t) { ticks_ = true; });
    chip.OnWrite(kTimer2 + timer::kTasksStop, [this](uint32_t) { ticks_ = false; });
    chip.OnWrite(kPpi + ppi::kChenSet, [this](uint32_t bits) { channels_ |= bits; });
    chip.OnWrite(kPpi + ppi::kChenClr, [this](uint32_t bits) { channels_ &= ~bits; });
    chip.SetLevel(kws::board::kSaadcLine, [this] {
      return ((inten_ & saadc::kIntStarted.mask()) != 0 && Chip::Get().word(kSaadc + saadc::kEventsStarted) != 0) ||
             ((inten_ & saadc::kIntEnd.mask()) != 0 && Chip::Get().word(kSaadc + saadc::kEventsEnd) != 0);
    });
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  // The timer reaches its compare value: the input is converted, if it is connected so.
  void Tick(int16_t converted) {
    if (!ticks_ || Chip::Get().word(kTimer2 + timer::kShorts) != 1) return;
    if (!Connects(kTimer2 + timer::kEventsCompare, kSaadc + saadc::kTasksSample)) return;
    if (!busy_) return;  // a conversion between the end of a block and START goes nowhere
    to_[written_++] = converted;
    if (written_ == most_) {
      busy_ = false;
      Event(saadc::kEventsEnd);
      if (Connects(kSaadc + saadc::kEventsEnd, kSaadc + saadc::kTasksStart)) TakeAddress();
    }
    if (!late_) Chip::Get().Interrupt();
  }

  // Counts up, one in each conversion, in the range of 14 bits.
  void Block() {
    for (size_t i = 0; i < kBlockSamples; ++i) Tick(Converted(next_++));
  }

  // Interrupts come late: by some samples, not by a block.
  void set_late(bool late) {
    late_ = late;
    if (!late) Chip::Get().Interrupt();
  }

  static int16_t Converted(uint32_t index) { return static_cast<int16_t>(index % 16384); }
  static int16_t Pcm(uint32_t index) { return static_cast<int16_t>((Converted(index) - 8192) * 4); }

  bool ticks() const { return ticks_; }
  bool enabled() const { return enabled_; }
  uint32_t channels() const { return channels_; }
  uint32_t inten() const { return inten_; }

 private:
  static void Event(uintptr_t event) { Chip::Get().Set(kSaadc + event, 1); }

  bool Connects(uintptr_t event, uintptr_t task) const {
    for (uint32_t channel = 0; channel < 20; ++channel) {
      const Chip& chip = Chip::Get();
      if ((channels_ >> channel & 1) != 0 && chip.word(kPpi + ppi::kChEep + 8 * channel) == event &&
          chip.word(kPpi + ppi::kChTep + 8 * channel) == task) {
        return true;
      }
    }
    return false;
  }

  void TakeAddress() {
    if (!enabled_ || busy_) Fail("started while it is off, or busy", kSaadc);
    to_ = Chip::Get().Memory<int16_t>(Chip::Get().word(kSaadc + saadc::kResultPtr));
    most_ = Chip::Get().word(kSaadc + saadc::kResultMaxcnt);
    if (most_ == 0) Fail("DMA of no samples", kSaadc);
    written_ = 0;
    busy_ = true;
    Event(saadc::kEventsStarted);
  }

  bool enabled_ = false;
  bool busy_ = false;
  bool ticks_ = false;
  bool late_ = false;
  uint32_t inten_ = 0;
  uint32_t channels_ = 0;
  uint32_t looks_until_stopped_ = 0;
  uint32_t written_ = 0;
  uint32_t most_ = 0;
  uint32_t next_ = 0;
  int16_t* to_ = nullptr;
};

std::unique_ptr<Converter> g_converter;

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kws::board::kPort0, 0x1000);  // and port 1
  g_converter = std::make_unique<Converter>();
  chip.SetHandler(kws::board::kSaadcLine, &KwsMicrophoneInterrupt);
}

void Start() {
  PowerUp();
  Check(microphone::Start(16000) == Status::kOk, "Start()");
}

void Blocks(size_t count) {
  for (size_t i = 0; i < count; ++i) g_converter->Block();
}

// Fetches all there is and compares it. Returns how many.
uint32_t Fetch(uint32_t first) {
  int16_t samples[100];
  uint32_t count = 0;
  while (const size_t got = microphone::Read(samples, 100)) {
    for (size_t i = 0; i < got; ++i) {
      Check(samples[i] == Converter::Pcm(first + count + static_cast<uint32_t>(i)), "a sample is wrong");
    }
    count += static_cast<uint32_t>(got);
  }
  return count;
}

void SettingsAndRate() {
  Start();
  const Chip& chip = Chip::Get();
  const kws::board::Pin power = kws::board::kMicrophonePower;
  namespace gpio = kws::board::gpio;
  Check(chip.FirstWrite(power.base() + gpio::kOutSet, power.mask()) < chip.FirstWrite(kSaadc + saadc::kEnable, 1),
        "the microphone's power");
  Check(gpio::kPinCnfDrive.Of(chip.word(power.base() + gpio::kPinCnf + 4 * power.number)) == 3, "a strong output");
  Check(chip.word(kSaadc + saadc::kPselP) == kws::board::kMicrophoneInput, "the input");
  Check(chip.FirstWrite(kSaadc + saadc::kTasksStart, 1) < chip.FirstWrite(kTimer2 + timer::kTasksStart, 1),
        "the timer starts last");
  Check(chip.word(kTimer2 + timer::kMode) == 0 && chip.word(kTimer2 + timer::kBitMode) == 3, "the timer's mode");
  std::printf("PRESCALER %u CC %u\n", chip.word(kTimer2 + timer::kPrescaler), chip.word(kTimer2 + timer::kCc));
}

void SamplesInOrder() {
  Start();
  Blocks(kSettlingBlocks);
  Check(!microphone::HasSamples(), "samples while it settles");
  uint32_t first = kSettlingBlocks * kBlockSamples;
  for (uint32_t round = 0; round < 300; ++round) {
    Blocks(1 + round % 5);
    const uint32_t count = Fetch(first);
    Check(count == (1 + round % 5) * kBlockSamples, "samples are missing");
    first += count;
  }
  Check(microphone::LostSamples() == 0, "lost");
}

void InterruptIsLate() {
  Start();
  uint32_t fed = 0;
  for (uint32_t round = 0; round < 50 * kBlockSamples; ++round) {
    g_converter->set_late(round % kBlockSamples > 150 || round % kBlockSamples < 100);
    g_converter->Tick(Converter::Converted(fed++));
  }
  g_converter->set_late(false);
  uint32_t first = kSettlingBlocks * kBlockSamples;
  first += Fetch(first);
  Check(first + microphone::LostSamples() == 50 * kBlockSamples, "kept and lost samples are not all");
}

void Extremes() {
  Start();
  Blocks(kSettlingBlocks);
  const int16_t odd[] = {-7, 0, 8191, 8192, 16383, 16384};
  const int16_t wanted[] = {-32768, -32768, -4, 0, 32764, 32764};
  for (const int16_t value : odd) g_converter->Tick(value);
  for (size_t i = 6; i < kBlockSamples; ++i) g_converter->Tick(8192);
  int16_t samples[kBlockSamples];
  Check(microphone::Read(samples, kBlockSamples) == kBlockSamples, "a block");
  for (size_t i = 0; i < kBlockSamples; ++i) Check(samples[i] == (i < 6 ? wanted[i] : 0), "PCM of a conversion");
}

void NobodyFetches() {
  Start();
  Blocks(kSettlingBlocks + 20);
  const uint32_t lost = microphone::LostSamples();
  Check(lost > 0 && lost + Fetch(kSettlingBlocks * kBlockSamples) == 20 * kBlockSamples, "kept and lost are not all");
}

void StopsAndStartsAnew() {
  Start();
  for (uint32_t round = 0; round < 3; ++round) {
    Blocks(kSettlingBlocks + 8);
    microphone::Stop();
    Check(!g_converter->ticks() && !g_converter->enabled() && g_converter->channels() == 0, "it runs after Stop()");
    Check(!microphone::HasSamples() && microphone::LostSamples() == 0, "Stop() forgets");
    Check(!Chip::Get().IsEnabled(kws::board::kSaadcLine), "the interrupt after Stop()");
    const kws::board::Pin power = kws::board::kMicrophonePower;
    Check(Chip::Get().Writes(power.base() + kws::board::gpio::kOutClr) == round + 1, "power off");
    const size_t accesses = Chip::Get().log().size();
    microphone::Stop();
    Check(Chip::Get().log().size() == accesses, "a second Stop() does nothing");
    Check(microphone::Start(16000) == Status::kOk, "a second Start()");
  }
  Blocks(kSettlingBlocks + 1);
  int16_t samples[2 * kBlockSamples];
  Check(microphone::Read(samples, 2 * kBlockSamples) == kBlockSamples, "a block after the start");
  for (size_t i = 1; i < kBlockSamples; ++i) Check(samples[i] == samples[0] + static_cast<int>(4 * i), "it is mixed");
}

void AnotherRateIsRefused() {
  PowerUp();
  Check(microphone::Start(44100) == Status::kInvalidArgument && !g_converter->enabled(), "44.1 kHz");
  g_crystal = false;
  Check(microphone::Start(16000) == Status::kInvalidArgument && !g_converter->ticks(), "without the crystal");
}

// A boot loader has left it on, with an interrupt.
void ConverterThatIsOnIsSetUpAnew() {
  PowerUp();
  kws::board::Register(kSaadc + saadc::kEnable) = 1;
  kws::board::Register(kSaadc + saadc::kIntenSet) = 1u << 2;
  Check(microphone::Start(16000) == Status::kOk, "Start()");  // the model ends the test where it is set up while on
  Check((g_converter->inten() & 1u << 2) == 0, "an interrupt of the boot loader's is left");
}

constexpr Case kCases[] = {
    {"settings_and_rate", &SettingsAndRate},
    {"converter_that_is_on_is_set_up_anew", &ConverterThatIsOnIsSetUpAnew},
    {"samples_in_order", &SamplesInOrder},
    {"interrupt_is_late", &InterruptIsLate},
    {"extremes", &Extremes},
    {"nobody_fetches", &NobodyFetches},
    {"stops_and_starts_anew", &StopsAndStartsAnew},
    {"another_rate_is_refused", &AnotherRateIsRefused},
};

}  // namespace

namespace kws::board {

bool CrystalRuns() { return g_crystal; }

}  // namespace kws::board

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
