// A digital microphone at the nRF52's PDM interface, which gives it a clock and filters its bits to PCM.
//
// 32 MHz / 25 / 80 = 16,000 samples a second, of the crystal (nrf52/clocks.cc). Blocks: nrf52/sample_blocks.h.
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
static_assert(kBlockSamples < 1u << pdm::kSampleMaxcntBuffsize.width, "more than DMA counts");

bool g_runs;

void ClearEvent(uintptr_t event) {
  Register(kPdm + event) = 0;
  (void)static_cast<uint32_t>(Register(kPdm + event));
}

void Power(bool on) {
  if (kMicrophoneHasPowerPin) WritePin(kMicrophonePower, on);
}

void Configure() {
  // A boot loader may have left it on.
  Register(kPdm + pdm::kIntenClr) = 0xFFFFFFFF;
  Register(kPdm + pdm::kEnable) = pdm::kEnableEnable(pdm::kEnableDisabled);
  MakeOutput(kMicrophoneClock, false);
  MakeInput(kMicrophoneData, false);
  if (kMicrophoneHasPowerPin) MakeOutput(kMicrophonePower, true);
  Register(kPdm + pdm::kPselClk) = kMicrophoneClock.Psel();
  Register(kPdm + pdm::kPselDin) = kMicrophoneData.Psel();
  Register(kPdm + pdm::kPdmClkCtrl) = pdm::kPdmClkCtrl1280K;
  Register(kPdm + pdm::kRatio) = pdm::kRatioRatio(pdm::kRatio80);
  Register(kPdm + pdm::kMode) =
      pdm::kModeOperation(pdm::kModeOperationMono) | pdm::kModeEdge(pdm::kModeEdgeLeftFalling);
  Register(kPdm + pdm::kGainL) = pdm::kGainLDefault;
  Register(kPdm + pdm::kGainR) = pdm::kGainLDefault;
}

}  // namespace

Status Start(uint32_t sample_rate_hz) {
  Stop();
  if (sample_rate_hz != kSampleRateHz || !CrystalRuns()) return Status::kInvalidArgument;
  Configure();
  for (const uintptr_t event : {pdm::kEventsStarted, pdm::kEventsStopped, pdm::kEventsEnd}) ClearEvent(event);
  Register(kPdm + pdm::kEnable) = pdm::kEnableEnable(pdm::kEnableEnabled);
  Register(kPdm + pdm::kSampleMaxcnt) = kBlockSamples;
  Register(kPdm + pdm::kSamplePtr) = StartBlocks();
  Register(kPdm + pdm::kIntenSet) = pdm::kIntStarted.mask() | pdm::kIntEnd.mask();
  ClearPendingLine(kPdmLine);
  EnableInterruptLine(kPdmLine);
  g_runs = true;
  Register(kPdm + pdm::kTasksStart) = 1;
  return Status::kOk;
}

void Stop() {
  if (g_runs) {
    g_runs = false;
    DisableInterruptLine(kPdmLine);
    Register(kPdm + pdm::kIntenClr) = pdm::kIntStarted.mask() | pdm::kIntEnd.mask();
    Register(kPdm + pdm::kTasksStop) = 1;
    // DMA writes until then.
    for (uint32_t look = 0; look < kMostLooks && Register(kPdm + pdm::kEventsStopped) == 0; ++look) {
    }
    Register(kPdm + pdm::kEnable) = pdm::kEnableEnable(pdm::kEnableDisabled);
    Power(false);
  }
  ForgetBlocks();
}

}  // namespace kws::board::microphone

extern "C" void KwsMicrophoneInterrupt() {
  using namespace kws::board;
  using namespace kws::board::microphone;
  if (Register(kPdm + pdm::kEventsEnd) != 0) {
    ClearEvent(pdm::kEventsEnd);
    KeepBlock(FullBlock());
  }
  if (Register(kPdm + pdm::kEventsStarted) != 0) {  // DMA has taken the address: it may be told the next one
    ClearEvent(pdm::kEventsStarted);
    Register(kPdm + pdm::kSamplePtr) = NextBlock();
  }
}
