// What the application tells the board, and hears from it: the light after a detection, the watchdog's restart.
#include <cstdio>
#include <cstdlib>

#include "app/detection_light.h"
#include "app/fault_log.h"
#include "model_info.h"

namespace {

bool g_lit;
uint32_t g_switched;
bool g_by_watchdog;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "board_seams_test: %s\n", what);
  std::exit(1);
}

void LightStaysOnForAWhile() {
  constexpr double kStepS = static_cast<double>(kws::model::kHopSamples * kws::model::kFramesPerStep) /
                            static_cast<double>(kws::model::kSampleRateHz);
  constexpr double kLitS = kws::app::DetectionLight::kSteps * kStepS;
  Check(kLitS >= 0.5 && kLitS < 0.5 + kStepS, "half a second of the model's steps");
  kws::app::DetectionLight light;
  light.OnStep(false);
  Check(!g_lit && g_switched == 0, "a light without a detection");
  light.OnStep(true);
  Check(g_lit, "no light after a detection");
  for (uint32_t i = 1; i < kws::app::DetectionLight::kSteps; ++i) light.OnStep(false);
  Check(g_lit, "the light went out early");
  light.OnStep(true);  // another one in the meantime
  for (uint32_t i = 1; i < kws::app::DetectionLight::kSteps; ++i) light.OnStep(false);
  Check(g_lit, "a second detection did not keep the light on");
  light.OnStep(false);
  Check(!g_lit && g_switched == 2, "the light stayed on, or was switched more often than needed");
  light.OnStep(true);
  light.TurnOff();
  light.TurnOff();
  Check(!g_lit && g_switched == 4, "the light was not turned off once");
}

void WatchdogIsAFault() {
  const kws::app::FaultLog& log = kws::app::StartFaultLog();
  Check(log.starts == 1 && log.faults == 0, "power-on is no fault");
  kws::FaultRecord record{};
  record.type = kws::kFaultBus;
  record.pc = 0x1234;
  kws::app::OnFault(record);
  (void)kws::app::StartFaultLog();
  Check(log.starts == 2 && log.faults == 1 && log.last.pc == 0x1234, "a fault was not kept");
  g_by_watchdog = true;
  (void)kws::app::StartFaultLog();
  Check(log.starts == 3 && log.faults == 2, "the watchdog's restart was not counted");
  Check(log.last.type == kws::kFaultWatchdog && log.last.pc == 0, "its record is not the watchdog's");
  g_by_watchdog = false;
  (void)kws::app::StartFaultLog();
  Check(log.starts == 4 && log.faults == 2, "the log did not survive");
}

}  // namespace

namespace kws::board {

void ShowDetection(bool detected) {
  g_lit = detected;
  ++g_switched;
}
bool StartedByWatchdog() { return g_by_watchdog; }
void WriteSerial(const uint8_t*, size_t) {}

}  // namespace kws::board

int main() {
  LightStaysOnForAWhile();
  WatchdogIsAFault();
}
