#include "app/device_info.h"

#include <cstring>

#include "app/link_audio_source.h"
#include "kws/board.h"
#include "kws/engine.h"
#include "kws/version.h"
#include "model_info.h"

namespace kws::app {
namespace {

// kws-codegen refuses such models before (training/kws_reference/limits.py holds the same rules).
static_assert(model::kLabelCount <= 255 && model::kFramesPerStep <= 255 && model::kFeatureCount <= 255,
              "INFO counts labels, frames and features in bytes");
static_assert(static_cast<uint8_t>(ClockKind::kNone) == board::TickInfo::kNone &&
                  static_cast<uint8_t>(ClockKind::kInstructions) == board::TickInfo::kInstructions &&
                  static_cast<uint8_t>(ClockKind::kCycles) == board::TickInfo::kCycles,
              "INFO carries the board's kind of clock as it is");
static_assert(model::kWindowSamples <= 65535 && model::kHopSamples <= 65535, "INFO counts samples in 16 bits");

}  // namespace

InfoMessage DescribeDevice() {
  const engine::BufferSizes buffers = engine::Buffers();
  InfoMessage message{};
  message.clock = board::Clock();
  message.sample_rate_hz = model::kSampleRateHz;
  message.window_samples = model::kWindowSamples;
  message.hop_samples = model::kHopSamples;
  message.frames_per_step = model::kFramesPerStep;
  message.feature_count = model::kFeatureCount;
  message.label_count = model::kLabelCount;
  message.state_count = model::kStateCount;
  message.layer_count = static_cast<uint16_t>(engine::LayerCount());
  message.credit_window_bytes = LinkAudioSource::kCapacityBytes;
  message.state_bytes = buffers.state_bytes;
  message.scratch_bytes = buffers.scratch_bytes;
  message.weights_bytes = buffers.weights_bytes;
  message.stack_size_bytes = board::StackSizeBytes();
  message.model_sha256 = model::kModelSha256;
  message.firmware_version = kFirmwareVersion;
  message.board = board::Name();
  message.engine = engine::Name();
  message.model_name = model::kName;
  return message;
}

uint16_t NameCount(NamesKind kind) {
  switch (kind) {
    case NamesKind::kLabels:
      return model::kLabelCount;
    case NamesKind::kStates:
      return model::kStateCount;
    case NamesKind::kLayers:
      return static_cast<uint16_t>(engine::LayerCount());
  }
  return 0;
}

const char* NameOf(NamesKind kind, size_t index) {
  switch (kind) {
    case NamesKind::kLabels:
      return model::kLabels[index];
    case NamesKind::kStates:
      return model::kStates[index].name;
    case NamesKind::kLayers:
      return engine::LayerName(index);
  }
  return "";
}

uint8_t NamesThatFit(NamesKind kind, size_t first) {
  const size_t total = NameCount(kind);
  size_t left = kMaxPayloadBytes - kNamesFixedBytes;
  uint8_t count = 0;
  for (size_t index = first; index < total && count < 255; ++index, ++count) {
    const size_t length = std::strlen(NameOf(kind, index));
    const size_t bytes = 1 + (length < 255 ? length : 255);  // as FrameWriter::String() cuts it
    if (bytes > left) break;
    left -= bytes;
  }
  return count;
}

}  // namespace kws::app
