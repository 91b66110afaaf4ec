// An analog microphone at the nRF52's converter (SAADC).
//
// Timer 2 counts 16 MHz to 1,000, 16,000 times a second, and starts a conversion each time, through PPI; the end of a
// block starts the next one, through PPI too: no sample waits for the core. Blocks: nrf52/sample_blocks.h.
#include <cstddef>
#include <cstdint>

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/line_handlers.h"
#include "cortex_m/registers.h"
#include "kws/microphone.h"
#include "nrf52/nrf52.h"
#include "nrf52/pin.h"
#include "nrf52/sample_blocks.h"

namespace kws::board::microphone {
namespace {

constexpr uint32_t kSampleRateHz = 16000;
constexpr uint32_t kTimerHz = 16000000;
static_assert(kTimerHz % kSampleRateHz == 0, "the rate is exact");
constexpr int32_t kMostOfConverter = (1 << 14) - 1;
constexpr int32_t kMiddleOfConverter = 1 << 13;
constexpr int32_t kPcmStepsPerStep = 4;  // 14 bits become 16

bool g_runs;

void ClearEvent(uintptr_t event) {
  Register(kSaadc + event) = 0;
  (void)static_cast<uint32_t>(Register(kSaadc + event));
}

// PPI channel 1: the timer samples; 2: a full block starts the next.
void Connect() {
  Register(kPpi + ppi::kChEep + ppi::kChStride) = static_cast<uint32_t>(kTimer2 + timer::kEventsCompare);
  Register(kPpi + ppi::kChTep + ppi::kChStride) = static_cast<uint32_t>(kSaadc + saadc::kTasksSample);
  Register(kPpi + ppi::kChEep + 2 * ppi::kChStride) = static_cast<uint32_t>(kSaadc + saadc::kEventsEnd);
  Register(kPpi + ppi::kChTep + 2 * ppi::kChStride) = static_cast<uint32_t>(kSaadc + saadc::kTasksStart);
  Register(kPpi + ppi::kChenSet) = ppi::kChen1.mask() | ppi::kChen2.mask();
}

void Configure() {
  // A boot loader may have left it on.
  Register(kSaadc + saadc::kIntenClr) = 0xFFFFFFFF;
  Register(kSaadc + saadc::kEnable) = saadc::kEnableEnable(saadc::kEnableDisabled);
  MakeStrongOutput(kMicrophonePower, true);
  Register(kSaadc + saadc::kPselP) = kMicrophoneInput;
  // Single-ended, to 0.6 V / 4: the microphone is quiet.
  Register(kSaadc + saadc::kConfig) = saadc::kConfigGain(saadc::kConfigGain4) |
                                      saadc::kConfigRefSel(saadc::kConfigRefSelInternal) |
                                      saadc::kConfigTacq(saadc::kConfigTacq10Us);
  Register(kSaadc + saadc::kResolution) = saadc::kResolutionVal(saadc::kResolution14Bit);
  Register(kTimer2 + timer::kMode) = timer::kModeTimer;
  Register(kTimer2 + timer::kBitMode) = timer::kBitMode32;
  Register(kTimer2 + timer::kPrescaler) = 0;
  Register(kTimer2 + timer::kCc) = kTimerHz / kSampleRateHz;
  Register(kTimer2 + timer::kShorts) = timer::kShortsCompare0Clear.mask();
}

// A converter's value, which noise may take a little below 0, as PCM around 0.
int16_t Pcm(int16_t converted) {
  int32_t value = converted;
  if (value < 0) value = 0;
  if (value > kMostOfConverter) value = kMostOfConverter;
  return static_cast<int16_t>((value - kMiddleOfConverter) * kPcmStepsPerStep);
}

}  // namespace

Status Start(uint32_t sample_rate_hz) {
  Stop();
  if (sample_rate_hz != kSampleRateHz || !CrystalRuns()) return Status::kInvalidArgument;
  Configure();
  for (const uintptr_t event : {saadc::kEventsStarted, saadc::kEventsStopped, saadc::kEventsEnd}) ClearEvent(event);
  Register(kSaadc + saadc::kEnable) = saadc::kEnableEnable(saadc::kEnableEnabled);
  Register(kSaadc + saadc::kResultPtr) = StartBlocks();
  Register(kSaadc + saadc::kResultMaxcnt) = kBlockSamples;
  Register(kSaadc + saadc::kIntenSet) = saadc::kIntStarted.mask() | saadc::kIntEnd.mask();
  ClearPendingLine(kSaadcLine);
  EnableInterruptLine(kSaadcLine);
  g_runs = true;
  Connect();
  Register(kSaadc + saadc::kTasksStart) = 1;
  Register(kTimer2 + timer::kTasksClear) = 1;
  Register(kTimer2 + timer::kTasksStart) = 1;
  return Status::kOk;
}

void Stop() {
  if (g_runs) {
    g_runs = false;
    Register(kTimer2 + timer::kTasksStop) = 1;
    Register(kPpi + ppi::kChenClr) = ppi::kChen1.mask() | ppi::kChen2.mask();
    DisableInterruptLine(kSaadcLine);
    Register(kSaadc + saadc::kIntenClr) = saadc::kIntStarted.mask() | saadc::kIntEnd.mask();
    Register(kSaadc + saadc::kTasksStop) = 1;
    // DMA writes until then.
    for (uint32_t look = 0; look < kMostLooks && Register(kSaadc + saadc::kEventsStopped) == 0; ++look) {
    }
    Register(kSaadc + saadc::kEnable) = saadc::kEnableEnable(saadc::kEnableDisabled);
    WritePin(kMicrophonePower, false);
  }
  ForgetBlocks();
}

}  // namespace kws::board::microphone

extern "C" void KwsMicrophoneInterrupt() {
  using namespace kws::board;
  using namespace kws::board::microphone;
  if (Register(kSaadc + saadc::kEventsEnd) != 0) {
    ClearEvent(saadc::kEventsEnd);
    int16_t* block = FullBlock();
    for (size_t i = 0; i < kBlockSamples; ++i) block[i] = Pcm(block[i]);
    KeepBlock(block);
  }
  if (Register(kSaadc + saadc::kEventsStarted) != 0) {  // DMA has taken the address: it may be told the next one
    ClearEvent(saadc::kEventsStarted);
    Register(kSaadc + saadc::kResultPtr) = NextBlock();
  }
}
