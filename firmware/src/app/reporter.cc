#include "app/reporter.h"

#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/engine.h"
#include "kws/messages.h"
#include "model_info.h"

namespace kws::app {
namespace {

// kws-codegen refuses such models before (training/kws_reference/limits.py holds the same rules).
static_assert(kStepFixedBytes + model::kLabelCount + model::kStepFeatureCount <= kMaxPayloadBytes,
              "STEP must carry the scores and features of a step: fewer frames per step, or fewer labels");
static_assert(kStateDigestFixedBytes + 4 * model::kStateCount <= kMaxPayloadBytes, "STATE_DIGEST: too many states");

uint32_t StateCrc(size_t state) {
  int8_t part[64];
  uint32_t crc = 0;
  size_t offset = 0;
  while (const size_t count = engine::ReadState(state, offset, part, sizeof(part))) {
    crc = Crc32(part, count, crc);
    offset += count;
  }
  return crc;
}

#ifdef KWS_FRONTEND_MICRO
constexpr uint8_t kConfigOffered = kConfigAll;
#else
constexpr uint8_t kConfigOffered = kConfigAll & ~kConfigFrontendDigests;
#endif

}  // namespace

#ifdef KWS_FRONTEND_MICRO
void Reporter::FrontendDigest::Add(void* digest, MicroStage stage, const uint32_t* values, size_t count) {
  auto& self = *static_cast<FrontendDigest*>(digest);
  if (stage != MicroStage::kStart) {
    const auto index = static_cast<size_t>(stage);
    self.ticks[index] += board::Ticks() - self.last;
    self.crcs[index] = Crc32(values, count * sizeof(*values), self.crcs[index]);  // every core is little-endian
  }
  self.last = board::Ticks();
}
#endif

bool Reporter::Knows(uint8_t flags) { return (flags & ~kConfigOffered) == 0; }

bool Reporter::Offers(uint8_t flags) {
  const size_t layers = engine::LayerCount();
  return (flags & kConfigProfile) == 0 || (layers != 0 && layers <= kMaxProfiledLayers);
}

void Reporter::Configure(uint8_t flags) {
  config_ = flags;
  const bool profile = (flags & kConfigProfile) != 0;
  engine::SetProfile(profile ? layer_ticks_ : nullptr, profile ? &board::Ticks : nullptr);
#ifdef KWS_FRONTEND_MICRO
  frontend_digest_ = {};
  Frontend::Observe((flags & kConfigFrontendDigests) != 0 ? &FrontendDigest::Add : nullptr, &frontend_digest_);
#endif
}

void Reporter::OnAudio(const int16_t* pcm, size_t samples) {
  if ((config_ & kConfigAudio) != 0) {
    FrameWriter& out = replies_.Event(MessageType::kAudioHeard);
    WriteAudioHeard(heard_samples_, static_cast<uint16_t>(samples), out);
    out.Bytes(pcm, 2 * samples);
    replies_.Send();
  }
  heard_samples_ += static_cast<uint32_t>(samples);
}

void Reporter::OnStep(const StepResult& result) {
  ++steps_;
  light_.OnStep(result.detected);
  SendStep(result);
  if ((config_ & kConfigStateDigests) != 0) SendStateDigest(result.step);
  if ((config_ & kConfigFrontendDigests) != 0) SendFrontendDigest(result.step);
  if (!result.detected) return;
  ++detections_;
  Write(DetectionMessage{result.step, result.detected_label, result.detected_smoothed_q15},
        replies_.Event(MessageType::kDetection));
  replies_.Send();
}

void Reporter::ForgetAudio() {
  light_.TurnOff();
  heard_samples_ = 0;
  for (uint32_t& ticks : layer_ticks_) ticks = 0;
#ifdef KWS_FRONTEND_MICRO
  frontend_digest_ = {};
#endif
}

void Reporter::Restart() {
  steps_ = 0;
  detections_ = 0;
  Configure(0);
  ForgetAudio();
}

void Reporter::SendStep(const StepResult& result) {
  StepMessage message{};
  message.step = result.step;
  message.audio_crc = result.audio_crc;
  message.frontend_ticks = result.frontend_ticks;
  message.engine_ticks = result.engine_ticks;
  message.detector_ticks = result.detector_ticks;
  message.top_label = result.top_label;
  message.top_smoothed_q15 = result.top_smoothed_q15;
  message.scores = result.scores;
  message.score_count = model::kLabelCount;
  if ((config_ & kConfigFeatures) != 0) {
    message.features = result.features;
    message.feature_count = model::kStepFeatureCount;
  }
  Write(message, replies_.Event(MessageType::kStep));
  replies_.Send();
}

void Reporter::SendStateDigest(uint32_t step) {
  uint32_t crcs[model::kStateCount + 1];  // + 1: an array of no elements is not C++
  for (size_t i = 0; i < model::kStateCount; ++i) crcs[i] = StateCrc(i);
  WriteStateDigest(step, crcs, model::kStateCount, replies_.Event(MessageType::kStateDigest));
  replies_.Send();
}

void Reporter::SendFrontendDigest([[maybe_unused]] uint32_t step) {
#ifdef KWS_FRONTEND_MICRO
  WriteFrontendDigest(step, frontend_digest_.crcs, kMicroStages, frontend_digest_.ticks, kMicroStages,
                      replies_.Event(MessageType::kFrontendDigest));
  replies_.Send();
  frontend_digest_ = {};
#endif
}

}  // namespace kws::app
