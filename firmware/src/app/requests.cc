#include "app/requests.h"

#include <initializer_list>

#include "app/device_info.h"
#include "app/fault_log.h"
#include "app/session.h"
#include "kws/board.h"
#include "kws/engine.h"
#include "kws/messages.h"
#include "kws/microphone.h"

namespace kws::app {
namespace {

constexpr size_t kLayersPerFrame = 128;
static_assert(kBenchFixedBytes + 4 * kLayersPerFrame <= kMaxPayloadBytes, "a page of layers must fit");
constexpr size_t kLevelBytes = 2 * kLevelsPerLabel;  // of one label
constexpr size_t kLabelsPerFrame = (kMaxPayloadBytes - kDetectorFixedBytes) / kLevelBytes;

}  // namespace

void Requests::Restart() {
  last_seq_ = kNoSeq;
  frames_repeated_ = 0;
}

void Requests::Handle(const Frame& frame) {
  if (last_seq_ == frame.seq && last_type_ == frame.type) ++frames_repeated_;
  last_seq_ = frame.seq;
  last_type_ = frame.type;
  if (frame.version != kProtocolVersion) return SendError(ErrorCode::kBadVersion, frame, kProtocolVersion);
  PayloadReader request(frame.payload, frame.payload_bytes);
  switch (static_cast<MessageType>(frame.type)) {
    case MessageType::kGetInfo:
      return request.Complete() ? SendInfo(frame.seq) : SendBadPayload(frame);
    case MessageType::kGetStats:
      return request.Complete() ? SendStats(frame.seq) : SendBadPayload(frame);
    case MessageType::kGetFault:
      return request.Complete() ? HandleFault(frame) : SendBadPayload(frame);
    case MessageType::kReset:
      return request.Complete() ? HandleReset(frame) : SendBadPayload(frame);
    case MessageType::kAudio:
      return HandleAudio(frame, request);
    case MessageType::kConfigure:
      return HandleConfigure(frame, request);
    case MessageType::kSetSource:
      return HandleSetSource(frame, request);
    case MessageType::kSetDetector:
      return HandleSetDetector(frame, request);
    case MessageType::kGetDetector:
      return HandleGetDetector(frame, request);
    case MessageType::kGetNames:
      return HandleNames(frame, request);
    case MessageType::kGetBench:
      return HandleBench(frame, request);
    case MessageType::kRestart:
      if (request.U32() != kRestartKey || !request.Complete()) return SendBadPayload(frame);
      board::Restart();
    case MessageType::kTestFault:
      if (request.U32() != kTestFaultKey || !request.Complete()) return SendBadPayload(frame);
      __builtin_trap();  // an undefined instruction: the board's fault handler takes over
    default:
      return SendError(ErrorCode::kUnknownType, frame, 0);
  }
}

void Requests::ForgetAudio() {
  parts_.flow.ForgetAudio();
  parts_.reporter.ForgetAudio();
  parts_.pipeline.Reset();
  parts_.awake.Restart();
}

void Requests::HandleReset(const Frame& frame) {
  if (!IsOk(parts_.pipeline.status())) return SendEngineError(frame);
  ForgetAudio();
  if (const Status status = parts_.sources.ForgetAudio(); !IsOk(status)) {
    return SendError(ErrorCode::kUnavailable, frame, static_cast<uint32_t>(status));
  }
  parts_.flow.SendCredit(MessageType::kResetDone, frame.seq);
}

void Requests::HandleSetSource(const Frame& frame, PayloadReader& request) {
  uint8_t kind, remove_dc;
  uint16_t gain_q8;
  ReadSetSource(request, &kind, &gain_q8, &remove_dc);
  if (!request.Complete() || kind > static_cast<uint8_t>(SourceKind::kMicrophone) || gain_q8 == 0 ||
      gain_q8 > Conditioner::kMaxGainQ8 || remove_dc > 1) {
    return SendBadPayload(frame);
  }
  if (!IsOk(parts_.pipeline.status())) return SendEngineError(frame);
  parts_.sources.UseHost();
  ForgetAudio();
  if (static_cast<SourceKind>(kind) == SourceKind::kMicrophone) {
    const Status status = parts_.sources.UseMicrophone(gain_q8, remove_dc != 0);
    if (!IsOk(status)) return SendError(ErrorCode::kUnavailable, frame, static_cast<uint32_t>(status));
    source_seq_ = frame.seq;
  }
  WriteSource(static_cast<uint8_t>(parts_.sources.kind()), parts_.replies.Answer(MessageType::kSource, frame.seq));
  parts_.replies.Send();
}

void Requests::HandleSetDetector(const Frame& frame, PayloadReader& request) {
  DetectorSettings settings = parts_.pipeline.detector_settings();
  uint8_t action, first_label;
  ReadSetDetector(request, &action, &settings.smoothing_steps, &settings.run_steps, &settings.refractory_steps,
                  &settings.quiet_steps, &first_label);
  const size_t labels = request.left() / kLevelBytes;
  if (!request.ok() || request.left() % kLevelBytes != 0 || first_label + labels > Detector::kLabelCount) {
    return SendBadPayload(frame);
  }
  for (size_t k = 0; k < labels; ++k) {
    DetectorLevels& level = settings.levels[first_label + k];
    for (uint16_t* value : {&level.threshold_q15, &level.busy_threshold_q15, &level.quiet_q15, &level.release_q15}) {
      *value = request.U16();
    }
  }
  // Flash that is written stops the core for longer than a microphone waits: samples would be lost, and not be counted.
  if (parts_.sources.kind() == SourceKind::kMicrophone && parts_.detector.Saves(static_cast<DetectorAction>(action))) {
    return SendError(ErrorCode::kUnavailable, frame, static_cast<uint32_t>(Status::kFailedPrecondition));
  }
  Status status = Status::kInvalidArgument;
  switch (static_cast<DetectorAction>(action)) {
    case DetectorAction::kUse:
      status = parts_.detector.Use(settings);
      break;
    case DetectorAction::kKeep:
      status = parts_.detector.Keep(settings);
      break;
    case DetectorAction::kForget:
      status = parts_.detector.Forget();
      break;
  }
  if (status == Status::kInvalidArgument) return SendBadPayload(frame);
  if (!IsOk(status)) return SendError(ErrorCode::kUnavailable, frame, static_cast<uint32_t>(status));
  SendDetector(frame.seq, 0);
}

void Requests::HandleGetDetector(const Frame& frame, PayloadReader& request) {
  uint8_t first_label;
  ReadGetDetector(request, &first_label);
  if (!request.Complete() || first_label > Detector::kLabelCount) return SendBadPayload(frame);
  SendDetector(frame.seq, first_label);
}

void Requests::SendDetector(uint16_t seq, uint8_t first_label) {
  const DetectorSettings& settings = parts_.pipeline.detector_settings();
  const size_t left = Detector::kLabelCount - first_label;
  const size_t labels = left < kLabelsPerFrame ? left : kLabelsPerFrame;
  FrameWriter& out = parts_.replies.Answer(MessageType::kDetector, seq);
  WriteDetector(static_cast<uint8_t>(parts_.detector.origin()), static_cast<uint8_t>(Detector::kMaxSmoothingSteps),
                settings.smoothing_steps, settings.run_steps, settings.refractory_steps, settings.quiet_steps,
                first_label, static_cast<uint16_t>(kLevelsPerLabel * labels), out);
  for (size_t k = 0; k < labels; ++k) {
    const DetectorLevels& level = settings.levels[first_label + k];
    for (const uint16_t value : {level.threshold_q15, level.busy_threshold_q15, level.quiet_q15, level.release_q15}) {
      out.U16(value);
    }
  }
  parts_.replies.Send();
}

void Requests::HandleConfigure(const Frame& frame, PayloadReader& request) {
  uint8_t flags;
  ReadConfigure(request, &flags);
  if (!request.Complete() || !Reporter::Knows(flags)) return SendBadPayload(frame);
  if (!Reporter::Offers(flags)) return SendError(ErrorCode::kUnavailable, frame, 0);
  parts_.reporter.Configure(flags);
  WriteConfigured(flags, parts_.replies.Answer(MessageType::kConfigured, frame.seq));
  parts_.replies.Send();
}

void Requests::HandleAudio(const Frame& frame, PayloadReader& request) {
  uint32_t offset;
  ReadAudio(request, &offset);
  if (!request.ok() || offset % 2 != 0 || request.left() % 2 != 0) return SendBadPayload(frame);
  if (!IsOk(parts_.pipeline.status())) return SendEngineError(frame);
  if (parts_.sources.kind() != SourceKind::kHost) return SendError(ErrorCode::kUnavailable, frame, 0);
  parts_.flow.Take(frame.seq, offset, request.rest(), request.left());
}

void Requests::HandleBench(const Frame& frame, PayloadReader& request) {
  uint16_t first_layer;
  ReadGetBench(request, &first_layer);
  if (!request.Complete() || first_layer > engine::LayerCount()) return SendBadPayload(frame);
  const Pipeline::Totals& totals = parts_.pipeline.totals();
  const size_t known = engine::LayerCount() < kMaxProfiledLayers ? engine::LayerCount() : kMaxProfiledLayers;
  const size_t left = known > first_layer ? known - first_layer : 0;
  BenchMessage message{};
  message.steps = totals.steps;
  message.frontend_ticks = totals.frontend_ticks;
  message.engine_ticks = totals.engine_ticks;
  message.detector_ticks = totals.detector_ticks;
  message.first_layer = first_layer;
  message.layer_ticks = parts_.reporter.layer_ticks() + (left != 0 ? first_layer : 0);
  message.layer_tick_count = static_cast<uint8_t>(left < kLayersPerFrame ? left : kLayersPerFrame);
  message.awake_ticks = parts_.awake.Count();
  Write(message, parts_.replies.Answer(MessageType::kBench, frame.seq));
  parts_.replies.Send();
}

void Requests::HandleFault(const Frame& frame) {
  const FaultLog& log = CurrentFaultLog();
  WriteFault(log.faults, log.last, parts_.replies.Answer(MessageType::kFault, frame.seq));
  parts_.replies.Send();
}

void Requests::HandleNames(const Frame& frame, PayloadReader& request) {
  uint8_t kind;
  uint16_t first;
  ReadGetNames(request, &kind, &first);
  const auto which = static_cast<NamesKind>(kind);
  if (!request.Complete() || which > NamesKind::kLayers || first > NameCount(which)) return SendBadPayload(frame);
  const uint8_t count = NamesThatFit(which, first);
  FrameWriter& out = parts_.replies.Answer(MessageType::kNames, frame.seq);
  WriteNames(kind, NameCount(which), first, count, out);
  for (size_t i = 0; i < count; ++i) out.String(NameOf(which, first + i));
  parts_.replies.Send();
}

void Requests::SendInfo(uint16_t seq) {
  Write(DescribeDevice(), parts_.replies.Answer(MessageType::kInfo, seq));
  parts_.replies.Send();
}

void Requests::SendStats(uint16_t seq) {
  const LinkCounters& link = parts_.link.counters();
  const FlowControl::Counters& audio = parts_.flow.counters();
  const engine::BufferSizes buffers = engine::Buffers();
  StatsMessage message{};
  message.frames_ok = link.frames_ok;
  message.frames_bad_cobs = link.bad_cobs;
  message.frames_too_short = link.too_short;
  message.frames_too_long = link.too_long;
  message.frames_bad_crc = link.bad_crc;
  message.frames_repeated = frames_repeated_;
  message.errors_sent = parts_.replies.errors_sent();
  message.serial_overruns = board::SerialOverruns();
  message.audio_gaps = audio.gaps;
  message.audio_overruns = audio.overruns;
  message.audio_repeated_bytes = audio.repeated_bytes;
  message.steps = parts_.reporter.steps();
  message.detections = parts_.reporter.detections();
  message.stack_size_bytes = board::StackSizeBytes();
  message.stack_used_bytes = board::StackUsedBytes();
  message.state_bytes = buffers.state_bytes;
  message.scratch_bytes = buffers.scratch_bytes;
  message.weights_bytes = buffers.weights_bytes;
  message.frontend_bytes = sizeof(Frontend);
  message.detector_bytes = sizeof(Detector);
  message.link_bytes = sizeof(Link) + sizeof(Session);
  message.audio_ring_bytes = sizeof(LinkAudioSource);
  message.microphone_samples = parts_.sources.microphone_samples();
  message.microphone_lost_samples = board::microphone::LostSamples();
  Write(message, parts_.replies.Answer(MessageType::kStats, seq));
  parts_.replies.Send();
}

void Requests::SendError(ErrorCode code, const Frame& frame, uint32_t detail) {
  parts_.replies.Error(code, static_cast<MessageType>(frame.type), frame.seq, detail);
}

void Requests::SendBadPayload(const Frame& frame) {
  SendError(ErrorCode::kBadPayload, frame, static_cast<uint32_t>(frame.payload_bytes));
}

void Requests::SendEngineError(const Frame& frame) {
  SendError(ErrorCode::kEngine, frame, static_cast<uint32_t>(parts_.pipeline.status()));
}

}  // namespace kws::app
