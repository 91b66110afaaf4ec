// Sleep, watchdog and light of the boards with an STM32 on a model of their registers (RM0090 21.3, RM0351 36.3).
#include <cstdio>

#include "board_config.h"
#include "cases.h"
#include "cortex_m/core.h"
#include "cortex_m/registers.h"
#include "kws/board.h"
#include "kws/microphone.h"
#include "register_model.h"
#include "stm32/clocks.h"
#include "stm32/serial.h"
#include "stm32/stm32_registers.h"

namespace {

using kws::board::kIwdg;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
namespace iwdg = kws::board::iwdg;

constexpr uint32_t kLine = 5;  // anything that interrupts

bool g_bytes, g_samples, g_unlocked, g_runs;
uint32_t g_fed, g_tended;
uint32_t g_core_hz = KWS_CLOCK_HZ;

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kIwdg, 0x400);
  chip.Map(kws::board::kDbg, 0x400);
  chip.Map(kws::board::kRcc, 0x400);
  chip.Map(kws::board::kLight.port, 0x400);
  chip.SetHandler(kLine, [] {});
  chip.OnWrite(kIwdg + iwdg::kKr, [](uint32_t key) {
    if (key == 0x5555) g_unlocked = true;
    if (key == 0xCCCC) {
      if ((Chip::Get().word(0xE0042008) >> 12 & 1) == 0) Fail("it would run on under a debugger", kIwdg);
      g_runs = true;
    }
    if (key == 0xAAAA) {
      if (!g_runs) Fail("fed before it was started", kIwdg);
      ++g_fed;
      g_unlocked = false;
    }
  });
  for (const uintptr_t setting : {iwdg::kPr, iwdg::kRlr}) {
    chip.OnWrite(kIwdg + setting, [](uint32_t) {
      if (!g_unlocked) Fail("a setting of the watchdog that is locked", kIwdg);
      Chip::Get().Set(kIwdg + iwdg::kSr, 3);
    });
  }
  chip.OnRead(kIwdg + iwdg::kSr, []() -> uint32_t {
    static uint32_t looks;
    return ++looks < 20 ? 3 : 0;
  });
}

void WatchdogStartsWithTheFirstTurn() {
  PowerUp();
  Chip& chip = Chip::Get();
  Check(!g_runs, "before the first turn");
  kws::board::FeedWatchdog();
  Check(g_runs && g_fed == 1, "it was not started and fed");
  const size_t after = chip.log().size();
  kws::board::FeedWatchdog();
  Check(chip.log().size() == after + 1 && g_fed == 2, "a turn feeds it, and no more");
  Check(g_tended == 2, "a turn tends the clocks");
  std::printf("PR %u RLR %u tick %u core %u\n", chip.word(kIwdg + iwdg::kPr), chip.word(kIwdg + iwdg::kRlr),
              chip.word(kws::board::kSysTickReload) + 1, KWS_CLOCK_HZ);
  Check(chip.word(kws::board::kSysTickControl) == 3, "the core's timer interrupts, at an eighth of the clock");
  KwsTickInterrupt();
}

// What the core runs at where its clock does not start: it wakes before the fastest watchdog bites, after 2.7 s.
template <uint32_t kHz>
void WakesInTime() {
  PowerUp();
  g_core_hz = kHz;
  kws::board::FeedWatchdog();
  const double wakes_s = (Chip::Get().word(kws::board::kSysTickReload) + 1.0) * 8 / kHz;
  Check(wakes_s > 0.4 && wakes_s < 0.6, "the core's timer does not wake it twice a second");
}

void SleepsUntilAnInterrupt() {
  PowerUp();
  Chip& chip = Chip::Get();
  kws::board::EnableInterruptLine(kLine);
  chip.OnSleep([] { Chip::Get().Raise(kLine); });
  (void)kws::board::Idle();
  Check(chip.sleeps() == 1 && chip.interrupts() == 1, "it did not sleep, or the handler was not entered behind");
  g_bytes = true;
  (void)kws::board::Idle();
  g_bytes = false;
  g_samples = true;
  (void)kws::board::Idle();
  Check(chip.sleeps() == 1, "it slept although there is something to do");
}

void LightShowsADetection() {
  PowerUp();
  Chip& chip = Chip::Get();
  const uintptr_t set = kws::board::kLight.port + 0x18;
  kws::board::UseOutput(kws::board::kLight);
  Check(chip.word(set) == 1u << (kws::board::kLight.number + 16), "it begins dark");
  Check((chip.word(kws::board::kLight.port) >> (2 * kws::board::kLight.number) & 3) == 1, "an output");
  kws::board::SetOutput(kws::board::kLight, true);
  Check(chip.word(set) == 1u << kws::board::kLight.number, "on");
}

constexpr Case kCases[] = {
    {"watchdog_starts_with_the_first_turn", &WatchdogStartsWithTheFirstTurn},
    {"wakes_in_time_at_4_mhz", &WakesInTime<4000000>},
    {"wakes_in_time_at_16_mhz", &WakesInTime<16000000>},
    {"wakes_in_time_at_48_mhz", &WakesInTime<48000000>},
    {"sleeps_until_an_interrupt", &SleepsUntilAnInterrupt},
    {"light_shows_a_detection", &LightShowsADetection},
};

}  // namespace

namespace kws::board {

bool g_counts_cycles = true;
uint32_t CycleCount() { return 0; }
bool SerialHasBytes() { return g_bytes; }
uint32_t CoreHz() { return g_core_hz; }
void TendClocks() { ++g_tended; }

namespace microphone {
bool HasSamples() { return g_samples; }
}  // namespace microphone

}  // namespace kws::board

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
