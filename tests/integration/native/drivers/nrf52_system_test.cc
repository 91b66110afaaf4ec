// Clocks, watchdog, reset reason, light and sleep of the nRF52 on a model of its registers (nRF52840 PS 5.4 CLOCK,
// 5.3 POWER, 6.36 WDT).
#include "board_config.h"
#include "cases.h"
#include "cortex_m/core.h"
#include "kws/board.h"
#include "kws/microphone.h"
#include "nrf52/nrf52.h"
#include "register_model.h"

namespace {

using kws::board::kClock;
using kws::board::kWdt;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
namespace clock_registers = kws::board::clock;
namespace gpio = kws::board::gpio;
namespace power = kws::board::power;
namespace wdt = kws::board::wdt;

bool g_serial_waits;
bool g_samples;
uint32_t g_waited;

void PowerUp() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kClock, 0x1000);
  chip.Map(kWdt, 0x1000);
  chip.Map(kws::board::kNvmc, 0x1000);
  chip.Map(kws::board::kPort0, 0x1000);  // and port 1
}

void CrystalStarts() {
  PowerUp();
  Chip& chip = Chip::Get();
  static uint32_t looks = 0;
  chip.OnWrite(kClock + clock_registers::kTasksHfclkStart, [](uint32_t) { looks = 30; });
  chip.OnRead(kClock + clock_registers::kEventsHfclkStarted, []() -> uint32_t {
    if (looks == 1) {
      Chip::Get().Set(kClock + clock_registers::kEventsHfclkStarted, 1);
      Chip::Get().Set(kClock + clock_registers::kHfclkStat, 1u << 16 | 1u);
    }
    if (looks != 0) --looks;
    return Chip::Get().word(kClock + clock_registers::kEventsHfclkStarted);
  });
  chip.Set(kClock + clock_registers::kEventsHfclkStarted, 1);  // left over: it must be cleared first
  Check(!kws::board::CrystalRuns(), "the crystal, before it was started");
  kws::board::StartClocks();
  Check(kws::board::CrystalRuns(), "StartClocks() did not wait for the crystal");
  Check(chip.FirstWrite(kClock + clock_registers::kEventsHfclkStarted, 0) <
            chip.FirstWrite(kClock + clock_registers::kTasksHfclkStart, 1),
        "the event is cleared before the task");
  chip.Set(kClock + clock_registers::kHfclkStat, 1u << 16);
  Check(!kws::board::CrystalRuns(), "the internal oscillator runs, not the crystal");
  Check(chip.word(kws::board::kNvmc + kws::board::nvmc::kIcacheCnf) == 1, "the instruction cache");
}

void NoCrystalDoesNotHang() {
  PowerUp();
  kws::board::StartClocks();
  Check(!kws::board::CrystalRuns(), "a crystal that is not there");
}

// RESETREAS keeps its bits until ones are written to them.
void ReasonOfReset(uint32_t reasons, bool by_watchdog) {
  PowerUp();
  Chip& chip = Chip::Get();
  static uint32_t kept;
  kept = reasons;
  const uintptr_t address = kws::board::kPower + power::kResetReas;
  chip.OnRead(address, [] { return kept; });
  chip.OnWrite(address, [](uint32_t ones) { kept &= ~ones; });
  kws::board::ReadResetReason();
  Check(kws::board::StartedByWatchdog() == by_watchdog, "the watchdog as the reason");
  Check(kept == 0, "the reason was not cleared: it would be read again after the next reset");
}

void ReasonsOfReset() {
  ReasonOfReset(0, false);
  ReasonOfReset(1u << 1, true);
  ReasonOfReset(1u << 2, false);
  ReasonOfReset(1u << 1 | 1u << 2, true);
  ReasonOfReset(1u << 0 | 1u << 1, false);  // anomaly 136: the pin sets others, too
}

// Settings may not change, and no request other than those enabled counts, once it runs.
void MapWatchdog(uint32_t runs, uint32_t wanted) {
  Chip& chip = Chip::Get();
  chip.Set(kWdt + wdt::kRunStatus, runs);
  chip.Set(kWdt + wdt::kRrEn, wanted);
  chip.OnWrite(kWdt + wdt::kTasksStart, [](uint32_t) { Chip::Get().Set(kWdt + wdt::kRunStatus, 1); });
  for (const uintptr_t setting : {wdt::kCrv, wdt::kRrEn, wdt::kConfig}) {
    chip.OnWrite(kWdt + setting, [](uint32_t) {
      if (Chip::Get().word(kWdt + wdt::kRunStatus) != 0) Fail("a setting of a watchdog that runs", kWdt);
    });
  }
}

void WatchdogStartsWithTheFirstTurn() {
  PowerUp();
  MapWatchdog(0, 1);
  Chip& chip = Chip::Get();
  kws::board::FeedWatchdog();
  Check(chip.word(kWdt + wdt::kRunStatus) == 1, "it was not started");
  Check(chip.word(kWdt + wdt::kConfig) == 0, "it rests in sleep, and under a debugger");
  std::printf("CRV %u\n", chip.word(kWdt + wdt::kCrv));
  for (uint32_t turn = 0; turn < 3; ++turn) {
    chip.ClearLog();
    kws::board::FeedWatchdog();
    Check(chip.FirstWrite(kWdt + wdt::kRr, 0x6E524635) < chip.log().size(), "it was not fed");
    Check(chip.Writes(kWdt + wdt::kTasksStart) == 0, "it was started twice");
  }
}

// After a restart by software, or started by somebody else with three requests.
void WatchdogThatRunsIsFed() {
  PowerUp();
  MapWatchdog(1, 0x85);
  kws::board::FeedWatchdog();
  const Chip& chip = Chip::Get();
  for (uint32_t i = 0; i < 8; ++i) {
    const bool fed = chip.FirstWrite(kWdt + wdt::kRr + 4 * i, 0x6E524635) < chip.log().size();
    Check(fed == ((0x85 >> i & 1) != 0), "the requests that are wanted");
  }
}

void LightShowsADetection() {
  PowerUp();
  const Chip& chip = Chip::Get();
  const kws::board::Pin pin = kws::board::kLightPin;
  const uintptr_t on = pin.base() + (kws::board::kLightIsHigh ? gpio::kOutSet : gpio::kOutClr);
  const uintptr_t off = pin.base() + (kws::board::kLightIsHigh ? gpio::kOutClr : gpio::kOutSet);
  kws::board::ShowDetection(false);
  Check(chip.Writes(off) == 1 && chip.Writes(on) == 0 && chip.word(off) == pin.mask(), "the light is off");
  kws::board::ShowDetection(true);
  Check(chip.Writes(on) == 1 && chip.word(on) == pin.mask(), "the light is on");
  Check(gpio::kPinCnfDir.Of(chip.word(pin.base() + gpio::kPinCnf + 4 * pin.number)) == 1, "an output");
}

// nRF52840 of build code F0 and later: the port stays shut after a reset unless the firmware opens it, too.
void DebugPortIsOpenedFirst() {
  PowerUp();
  kws::board::Init();
  const Chip& chip = Chip::Get();
  Check(chip.FirstWrite(0x40000558, 0x5A) == 0, "the debug port is not opened, or not first");
}

void SleepsOnlyWhenThereIsNothing() {
  PowerUp();
  Chip& chip = Chip::Get();
  Chip::Get().SetHandler(5, [] {});
  Chip::Get().Set(0, 0);
  kws::board::Register(0xE000E100) = 1u << 5;
  chip.OnSleep([] { Chip::Get().Raise(5); });
  g_serial_waits = true;
  (void)kws::board::Idle();
  Check(chip.sleeps() == 0, "a byte waits");
  g_serial_waits = false;
  g_samples = true;
  (void)kws::board::Idle();
  Check(chip.sleeps() == 0, "samples wait");
  g_samples = false;
  (void)kws::board::Idle();
  Check(chip.sleeps() == 1, "it did not sleep");
  Check(chip.interrupts() == 1, "interrupts are masked after Idle()");
  Check(g_waited == 0, "it waits for the next byte, awake");
}

constexpr Case kCases[] = {
    {"crystal_starts", &CrystalStarts},
    {"no_crystal_does_not_hang", &NoCrystalDoesNotHang},
    {"reasons_of_reset", &ReasonsOfReset},
    {"watchdog_starts_with_the_first_turn", &WatchdogStartsWithTheFirstTurn},
    {"watchdog_that_runs_is_fed", &WatchdogThatRunsIsFed},
    {"light_shows_a_detection", &LightShowsADetection},
    {"debug_port_is_opened_first", &DebugPortIsOpenedFirst},
    {"sleeps_only_when_there_is_nothing", &SleepsOnlyWhenThereIsNothing},
};

}  // namespace

namespace kws::board {

bool g_counts_cycles = true;
void StartCycleCounter() {}
uint32_t CycleCount() { return 7; }
void StartSerial() {}
bool WaitForSerial() {
  ++g_waited;
  return g_serial_waits;
}
void StopWaitingForSerial() { g_waited = 0; }
namespace microphone {
bool HasSamples() { return g_samples; }
}  // namespace microphone

}  // namespace kws::board

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
