#include "app/session.h"

#include "app/fault_log.h"
#include "kws/board.h"
#include "kws/messages.h"

namespace kws::app {
namespace {

constexpr size_t kChunkSamples = 160;  // handled between two looks at the serial port
static_assert(kAudioHeardFixedBytes + 2 * kChunkSamples <= kMaxPayloadBytes, "AUDIO_HEARD must carry a piece");

}  // namespace

void Session::Start() {
  link_.Restart();
  replies_.Restart();
  reporter_.Restart();
  flow_.Restart();
  sources_.UseHost();
  requests_.Restart();
  detector_.Start();
  pipeline_.Reset();
  awake_.Restart();
  const FaultLog& log = CurrentFaultLog();
  WriteHello(log.starts, log.faults, replies_.Event(MessageType::kHello));
  replies_.Send();
}

bool Session::Poll() {
  awake_.Count();
  uint8_t bytes[128];
  const size_t count = board::ReadSerial(bytes, sizeof(bytes));
  for (size_t i = 0; i < count; ++i) {
    const Frame* frame = link_.Receive(bytes[i]);
    if (frame != nullptr) requests_.Handle(*frame);
  }
  return count != 0;
}

bool Session::Process() {
  int16_t pcm[kChunkSamples];
  const size_t samples = sources_.current().Read(pcm, kChunkSamples);
  if (samples != 0 && IsOk(pipeline_.status())) {
    reporter_.OnAudio(pcm, samples);
    const auto on_step = [](void* reporter, const StepResult& result) {
      static_cast<Reporter*>(reporter)->OnStep(result);
    };
    const Status status = pipeline_.Push(pcm, samples, on_step, &reporter_);
    if (!IsOk(status)) SendEngineError(status);
  }
  flow_.Grant();
  return samples != 0;
}

// Told once here, then as the answer to every RESET, AUDIO and SET_SOURCE.
void Session::SendEngineError(Status status) {
  const bool hears_host = sources_.kind() == SourceKind::kHost;
  replies_.Error(ErrorCode::kEngine, hears_host ? MessageType::kAudio : MessageType::kSetSource,
                 hears_host ? flow_.audio_seq() : requests_.source_seq(), static_cast<uint32_t>(status));
}

}  // namespace kws::app
