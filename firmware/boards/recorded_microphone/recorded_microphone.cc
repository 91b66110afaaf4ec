// The microphone of an emulated board: a recording of the emulator's host (microphone_command.h), of which the
// interrupt of the core's own timer brings a block whenever its time has come, as DMA would.
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cortex_m/core.h"
#include "cortex_m/line_handlers.h"
#include "cortex_m/registers.h"
#include "kws/microphone.h"
#include "kws/sample_ring.h"
#include "kws/semihosting.h"
#include "recorded_microphone/microphone_command.h"

namespace kws::board::microphone {
namespace {

constexpr size_t kRingSamples = 512;  // 32 ms at 16 kHz: three blocks, which come while a step is computed

constexpr uint32_t kTimerRuns = kSysTickRuns | kSysTickInterrupts | kSysTickCountsCoreClocks;
constexpr uint32_t kFewestTicks = 1000;  // between two interrupts
constexpr uint32_t kMostTicks = 1u << 23;  // half of what it counts: jitter may double them

constexpr Fraction kTicksPerInstruction = TicksPerInstruction(kClockHz, kInstructionNs);

SampleRing<kRingSamples> g_ring;
MicrophoneCommand g_recording;
semihosting::File g_file;
uint32_t g_period;  // ticks between two interrupts
uint32_t g_rounds;  // interrupts between two blocks
uint32_t g_round;   // since the last one
uint32_t g_loops;   // played so far
uint32_t g_random;

uint32_t NextPeriod() {
  const uint32_t most = g_period / 1000 * g_recording.jitter;
  if (most == 0) return g_period;
  g_random = 1664525u * g_random + 1013904223u;  // Numerical Recipes' "quick and dirty" generator
  return g_period - most + static_cast<uint32_t>((uint64_t{g_random} * (2 * uint64_t{most} + 1)) >> 32);
}

void StopTimer() { Register(kSysTickControl) = 0; }

// The next block of the recording. Returns its samples; fewer than a block, or none, at the end.
size_t ReadBlock(int16_t* block) {
  size_t bytes = 0;
  const Status status =
      semihosting::Read(g_file, reinterpret_cast<uint8_t*>(block), 2 * kMicrophoneBlockSamples, &bytes);
  return IsOk(status) ? bytes / 2 : 0;
}

bool PlayAgain() {
  if (++g_loops == g_recording.loops) return false;
  (void)semihosting::Close(&g_file);
  return IsOk(semihosting::Open(g_recording.file, semihosting::Mode::kRead, &g_file));
}

}  // namespace

Status Start(uint32_t) {
  Stop();
  const Status status = ReadMicrophoneCommand(&g_recording);
  if (!IsOk(status)) return status;
  const uint64_t ticks =
      uint64_t{g_recording.instructions} * kTicksPerInstruction.numerator / kTicksPerInstruction.denominator;
  if (ticks * (1000 - g_recording.jitter) / 1000 < kFewestTicks) return Status::kInvalidArgument;
  if (!IsOk(semihosting::Open(g_recording.file, semihosting::Mode::kRead, &g_file))) return Status::kDataLoss;
  g_rounds = static_cast<uint32_t>(1 + ticks / kMostTicks);
  g_period = static_cast<uint32_t>(ticks / g_rounds);
  g_round = 0;
  g_loops = 0;
  g_random = 1;
  Register(kSysTickReload) = NextPeriod() - 1;
  Register(kSysTickValue) = 0;
  std::atomic_signal_fence(std::memory_order_release);  // the interrupt sees all of the above
  Register(kSysTickControl) = kTimerRuns;
  return Status::kOk;
}

void Stop() {
  StopTimer();
  __asm volatile("dsb\n isb" ::: "memory");
  (void)semihosting::Close(&g_file);
  g_ring.Clear();
}

size_t Read(int16_t* out, size_t capacity) { return g_ring.Read(out, capacity); }

bool HasSamples() { return !g_ring.is_empty(); }

uint32_t LostSamples() { return g_ring.lost(); }

}  // namespace kws::board::microphone

extern "C" void KwsTickInterrupt() {
  using namespace kws::board;
  using namespace kws::board::microphone;
  Register(kSysTickReload) = NextPeriod() - 1;
  if (++g_round < g_rounds) return;
  g_round = 0;
  int16_t block[kws::kMicrophoneBlockSamples];
  size_t count = ReadBlock(block);
  if (count == 0 && PlayAgain()) count = ReadBlock(block);
  if (count == 0) return StopTimer();
  g_ring.Write(block, count);
}
