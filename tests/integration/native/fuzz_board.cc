#include "fuzz_board.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "kws/board.h"
#include "kws/frame.h"
#include "kws/microphone.h"
#include "kws/settings.h"

namespace kws::fuzz {

Board g_board;

namespace {

constexpr size_t kMicrophoneSamples = 3000;  // four steps of the made-up model, and a rest

uint32_t g_ticks;
FrameDecoderBuffer<kMaxFrameBytes> g_sent_decoder;

void HandleFault(int) {
  FaultRecord record{};
  record.type = kFaultUsage;
  app::OnFault(record);
  board::Restart();
}

bool MicrophoneWorks() {
  const bool is_broken = (g_board.options & kMicrophoneBreaks) != 0 && g_board.microphone_starts > 0;
  return (g_board.options & kNoMicrophone) == 0 && !is_broken;
}

}  // namespace

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "session_fuzz: %s\n", what);
  std::abort();
}

void Board::Start(const uint8_t* data, size_t size) {
  options = data[0];
  input = data + 1;
  input_bytes = size - 1;
  sent.clear();
  restarts = 0;
  microphone_starts = 0;
  microphone_samples = 0;
  settings.clear();
}

void CatchFaults() {
  struct sigaction action{};
  action.sa_handler = &HandleFault;
  action.sa_flags = SA_NODEFER;
  sigaction(SIGILL, &action, nullptr);
}

bool StepFails() { return (g_board.options & kStepFails) != 0; }
bool InitFails() { return (g_board.options & kInitFails) != 0; }

}  // namespace kws::fuzz

namespace kws::board {

using fuzz::g_board;

void Init() {}

void ShowDetection(bool) {}
void FeedWatchdog() {}
bool StartedByWatchdog() { return false; }

size_t LoadSettings(uint8_t* out, size_t capacity_bytes) {
  if (g_board.settings.size() > capacity_bytes) return 0;
  std::copy(g_board.settings.begin(), g_board.settings.end(), out);
  return g_board.settings.size();
}

Status SaveSettings(const uint8_t* data, size_t size) {
  if ((g_board.options & fuzz::kSettingsFail) != 0) return Status::kDataLoss;
  g_board.settings.assign(data, data + size);
  return Status::kOk;
}

// Up to the next end of a frame, so that what is sent next answers this frame.
size_t ReadSerial(uint8_t* out, size_t capacity) {
  const size_t most = std::min(capacity, g_board.input_bytes);
  size_t count = 0;
  while (count < most) {
    out[count] = g_board.input[count];
    if (out[count++] == 0) break;
  }
  g_board.input += count;
  g_board.input_bytes -= count;
  return count;
}

void WriteSerial(const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    const FrameEvent event = fuzz::g_sent_decoder.Push(data[i]);
    fuzz::Check(event == FrameEvent::kNone || event == FrameEvent::kFrame, "the firmware sent a damaged frame");
    if (event != FrameEvent::kFrame) continue;
    const Frame& frame = fuzz::g_sent_decoder.frame();
    fuzz::Check(frame.version == kProtocolVersion && frame.type >= 0x80, "the firmware sent no answer and no event");
    g_board.sent.push_back({frame.type, frame.seq, {frame.payload, frame.payload + frame.payload_bytes}});
  }
}

uint32_t SerialOverruns() { return 0; }
uint32_t Idle() { return Ticks(); }
uint32_t Ticks() { return fuzz::g_ticks += 7; }
TickInfo Clock() { return {TickInfo::kCycles, 1, 1}; }
const char* Name() { return "fuzz"; }
uint32_t StackSizeBytes() { return 0; }
uint32_t StackUsedBytes() { return 0; }
void PaintStack() {}
bool StackGuardIntact() { return true; }

void Exit(int code) { std::exit(code); }

void Restart() {
  ++g_board.restarts;
  siglongjmp(g_board.start, 1);
}

namespace microphone {

Status Start(uint32_t) {
  if (!fuzz::MicrophoneWorks()) {
    return (g_board.options & fuzz::kNoMicrophone) != 0 ? Status::kUnavailable : Status::kDataLoss;
  }
  ++g_board.microphone_starts;
  g_board.microphone_samples = fuzz::kMicrophoneSamples;
  return Status::kOk;
}

void Stop() { g_board.microphone_samples = 0; }

size_t Read(int16_t* out, size_t capacity) {
  const size_t count = std::min(capacity, g_board.microphone_samples);
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<int16_t>(g_board.microphone_samples * 37 + i * 911);
  g_board.microphone_samples -= count;
  return count;
}

bool HasSamples() { return g_board.microphone_samples != 0; }
uint32_t LostSamples() { return 0; }

}  // namespace microphone
}  // namespace kws::board
