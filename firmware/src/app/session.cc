#include "app/session.h"

#include "app/device_info.h"
#include "app/fault_log.h"
#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/engine.h"
#include "kws/messages.h"
#include "model_info.h"

namespace kws::app {
namespace {

constexpr size_t kChunkSamples = 160;  // handled between two looks at the serial port
constexpr size_t kLayersPerFrame = 128;
static_assert(kBenchFixedBytes + 4 * kLayersPerFrame <= kMaxPayloadBytes, "a page of layers must fit");
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
void Session::FrontendDigest::Add(void* digest, MicroStage stage, const uint32_t* values, size_t count) {
  auto& self = *static_cast<FrontendDigest*>(digest);
  if (stage != MicroStage::kStart) {
    const auto index = static_cast<size_t>(stage);
    self.ticks[index] += board::Ticks() - self.last;
    self.crcs[index] = Crc32(values, count * sizeof(*values), self.crcs[index]);  // every core is little-endian
  }
  self.last = board::Ticks();
}
#endif

void Session::Start(Status engine_status) {
  link_.Restart();
  engine_status_ = engine_status;
  last_seq_ = kNoSeq;
  counters_ = {};
  Configure(0);
  ResetAudio();
  const FaultLog& log = CurrentFaultLog();
  WriteHello(log.starts, log.faults, link_.BeginEvent(MessageType::kHello));
  Send();
}

bool Session::Poll() {
  uint8_t bytes[128];
  const size_t count = board::ReadSerial(bytes, sizeof(bytes));
  for (size_t i = 0; i < count; ++i) {
    const Frame* frame = link_.Receive(bytes[i]);
    if (frame != nullptr) Handle(*frame);
  }
  return count != 0;
}

bool Session::Process() {
  int16_t pcm[kChunkSamples];
  const size_t samples = source_.Read(pcm, kChunkSamples);
  if (samples != 0 && IsOk(engine_status_)) {
    const auto on_step = [](void* session, const pipeline::StepResult& result) {
      static_cast<Session*>(session)->OnStep(result);
    };
    const Status status = pipeline::Push(pcm, samples, on_step, this);
    if (!IsOk(status)) {
      engine_status_ = status;  // reported once here, then as the answer to every RESET and AUDIO
      ++counters_.errors_sent;
      WriteError(ErrorCode::kEngine, static_cast<uint8_t>(MessageType::kAudio), static_cast<uint32_t>(status),
                 link_.BeginAnswer(MessageType::kError, audio_seq_));
      Send();
    }
  }
  // Granting half windows halves the answers; an empty ring grants at once, since the host may be waiting.
  const uint32_t grown = source_.read_bytes() + LinkAudioSource::kCapacityBytes - credit_limit_;
  const bool is_empty = source_.read_bytes() == source_.written_bytes();
  if ((credit_is_due_ && is_empty) || grown >= LinkAudioSource::kCapacityBytes / 2) {
    credit_is_due_ = false;
    SendCredit(MessageType::kCredit, audio_seq_);
  }
  return samples != 0;
}

void Session::Handle(const Frame& frame) {
  if (last_seq_ == frame.seq && last_type_ == frame.type) ++counters_.frames_repeated;
  last_seq_ = frame.seq;
  last_type_ = frame.type;
  if (frame.version != kProtocolVersion) return SendError(ErrorCode::kBadVersion, frame, kProtocolVersion);
  PayloadReader request(frame.payload, frame.payload_bytes);
  switch (static_cast<MessageType>(frame.type)) {
    case MessageType::kGetInfo:
      return request.Complete() ? SendInfo(frame.seq) : SendBadPayload(frame);
    case MessageType::kGetStats:
      return request.Complete() ? SendStats(frame.seq) : SendBadPayload(frame);
    case MessageType::kAudio:
      return HandleAudio(frame, request);
    case MessageType::kGetNames:
      return HandleNames(frame, request);
    case MessageType::kReset:
      if (!request.Complete()) return SendBadPayload(frame);
      if (!IsOk(engine_status_)) return SendEngineError(frame);
      ResetAudio();
      return SendCredit(MessageType::kResetDone, frame.seq);
    case MessageType::kConfigure: {
      uint8_t flags;
      ReadConfigure(request, &flags);
      if (!request.Complete() || (flags & ~kConfigOffered) != 0) return SendBadPayload(frame);
      if ((flags & kConfigProfile) != 0 && (engine::LayerCount() == 0 || engine::LayerCount() > kMaxProfiledLayers)) {
        return SendError(ErrorCode::kUnavailable, frame, 0);
      }
      Configure(flags);
      WriteConfigured(flags, link_.BeginAnswer(MessageType::kConfigured, frame.seq));
      return Send();
    }
    case MessageType::kGetBench: {
      uint16_t first_layer;
      ReadGetBench(request, &first_layer);
      if (!request.Complete() || first_layer > engine::LayerCount()) return SendBadPayload(frame);
      return SendBench(frame.seq, first_layer);
    }
    case MessageType::kGetFault: {
      if (!request.Complete()) return SendBadPayload(frame);
      const FaultLog& log = CurrentFaultLog();
      WriteFault(log.faults, log.last, link_.BeginAnswer(MessageType::kFault, frame.seq));
      return Send();
    }
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

void Session::HandleAudio(const Frame& frame, PayloadReader& request) {
  uint32_t offset;
  ReadAudio(request, &offset);
  if (!request.ok() || offset % 2 != 0 || request.left() % 2 != 0) {
    return SendBadPayload(frame);
  }
  if (!IsOk(engine_status_)) return SendEngineError(frame);
  const uint32_t expected = source_.written_bytes();
  const auto ahead = static_cast<int32_t>(offset - expected);  // offsets wrap
  if (ahead > 0) {
    ++counters_.audio_gaps;
    return SendError(ErrorCode::kAudioGap, frame, expected);
  }
  const uint8_t* pcm = request.rest();
  size_t size = request.left();
  const uint32_t behind = expected - offset;
  const size_t known = behind < size ? behind : size;
  counters_.audio_repeated_bytes += static_cast<uint32_t>(known);
  pcm += known;
  size -= known;
  if (!IsOk(source_.Write(pcm, size))) {
    ++counters_.audio_overruns;
    return SendError(ErrorCode::kAudioOverrun, frame, credit_limit_);
  }
  audio_seq_ = frame.seq;
  // Nothing new: the host asks where we are, so answer even when the ring is not empty.
  if (size == 0) return SendCredit(MessageType::kCredit, frame.seq);
  credit_is_due_ = true;
}

void Session::HandleNames(const Frame& frame, PayloadReader& request) {
  uint8_t kind;
  uint16_t first;
  ReadGetNames(request, &kind, &first);
  const auto which = static_cast<NamesKind>(kind);
  if (!request.Complete() || which > NamesKind::kLayers || first > NameCount(which)) {
    return SendBadPayload(frame);
  }
  const uint8_t count = NamesThatFit(which, first);
  FrameWriter& out = link_.BeginAnswer(MessageType::kNames, frame.seq);
  WriteNames(kind, NameCount(which), first, count, out);
  for (size_t i = 0; i < count; ++i) out.String(NameOf(which, first + i));
  Send();
}

void Session::SendInfo(uint16_t seq) {
  Write(DescribeDevice(), link_.BeginAnswer(MessageType::kInfo, seq));
  Send();
}

void Session::SendBench(uint16_t seq, uint16_t first_layer) {
  const pipeline::Totals& totals = pipeline::totals();
  const size_t known = engine::LayerCount() < kMaxProfiledLayers ? engine::LayerCount() : kMaxProfiledLayers;
  const size_t left = known > first_layer ? known - first_layer : 0;
  BenchMessage message{};
  message.steps = totals.steps;
  message.frontend_ticks = totals.frontend_ticks;
  message.engine_ticks = totals.engine_ticks;
  message.detector_ticks = totals.detector_ticks;
  message.first_layer = first_layer;
  message.layer_ticks = layer_ticks_ + (left != 0 ? first_layer : 0);
  message.layer_tick_count = static_cast<uint8_t>(left < kLayersPerFrame ? left : kLayersPerFrame);
  Write(message, link_.BeginAnswer(MessageType::kBench, seq));
  Send();
}

void Session::SendStats(uint16_t seq) {
  const LinkCounters& link = link_.counters();
  const engine::BufferSizes buffers = engine::Buffers();
  StatsMessage message{};
  message.frames_ok = link.frames_ok;
  message.frames_bad_cobs = link.bad_cobs;
  message.frames_too_short = link.too_short;
  message.frames_too_long = link.too_long;
  message.frames_bad_crc = link.bad_crc;
  message.frames_repeated = counters_.frames_repeated;
  message.errors_sent = counters_.errors_sent;
  message.serial_overruns = board::SerialOverruns();
  message.audio_gaps = counters_.audio_gaps;
  message.audio_overruns = counters_.audio_overruns;
  message.audio_repeated_bytes = counters_.audio_repeated_bytes;
  message.steps = counters_.steps;
  message.detections = counters_.detections;
  message.stack_size_bytes = board::StackSizeBytes();
  message.stack_used_bytes = board::StackUsedBytes();
  message.state_bytes = buffers.state_bytes;
  message.scratch_bytes = buffers.scratch_bytes;
  message.weights_bytes = buffers.weights_bytes;
  message.frontend_bytes = pipeline::FrontendBytes();
  message.detector_bytes = pipeline::DetectorBytes();
  message.link_bytes = sizeof(Link) + sizeof(Session);
  message.audio_ring_bytes = sizeof(LinkAudioSource);
  Write(message, link_.BeginAnswer(MessageType::kStats, seq));
  Send();
}

void Session::SendCredit(MessageType type, uint16_t seq) {
  credit_limit_ = source_.read_bytes() + static_cast<uint32_t>(LinkAudioSource::kCapacityBytes);
  WriteCredit(source_.written_bytes(), credit_limit_, link_.BeginAnswer(type, seq));
  Send();
}

void Session::SendError(ErrorCode code, const Frame& frame, uint32_t detail) {
  ++counters_.errors_sent;
  WriteError(code, frame.type, detail, link_.BeginAnswer(MessageType::kError, frame.seq));
  Send();
}

void Session::SendBadPayload(const Frame& frame) {
  SendError(ErrorCode::kBadPayload, frame, static_cast<uint32_t>(frame.payload_bytes));
}

void Session::SendEngineError(const Frame& frame) {
  SendError(ErrorCode::kEngine, frame, static_cast<uint32_t>(engine_status_));
}

void Session::ResetAudio() {
  source_.Clear();
  credit_limit_ = LinkAudioSource::kCapacityBytes;
  credit_is_due_ = false;
#ifdef KWS_FRONTEND_MICRO
  frontend_digest_ = {};
#endif
  if (IsOk(engine_status_)) pipeline::Reset();
  for (uint32_t& ticks : layer_ticks_) ticks = 0;
}

void Session::Configure(uint8_t flags) {
  config_ = flags;
  const bool profile = (flags & kConfigProfile) != 0;
  engine::SetProfile(profile ? layer_ticks_ : nullptr, profile ? &board::Ticks : nullptr);
#ifdef KWS_FRONTEND_MICRO
  Frontend::Observe((flags & kConfigFrontendDigests) != 0 ? &FrontendDigest::Add : nullptr, &frontend_digest_);
#endif
}

void Session::OnStep(const pipeline::StepResult& result) {
  ++counters_.steps;
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
  Write(message, link_.BeginEvent(MessageType::kStep));
  Send();
  if ((config_ & kConfigStateDigests) != 0) {
    uint32_t crcs[model::kStateCount + 1];  // + 1: an array of no elements is not C++
    for (size_t i = 0; i < model::kStateCount; ++i) crcs[i] = StateCrc(i);
    WriteStateDigest(result.step, crcs, model::kStateCount, link_.BeginEvent(MessageType::kStateDigest));
    Send();
  }
#ifdef KWS_FRONTEND_MICRO
  if ((config_ & kConfigFrontendDigests) != 0) {
    WriteFrontendDigest(result.step, frontend_digest_.crcs, kMicroStages, frontend_digest_.ticks, kMicroStages,
                        link_.BeginEvent(MessageType::kFrontendDigest));
    Send();
    frontend_digest_ = {};
  }
#endif
  if (result.detected) {
    ++counters_.detections;
    Write(DetectionMessage{result.step, result.detected_label, result.detected_smoothed_q15},
          link_.BeginEvent(MessageType::kDetection));
    Send();
  }
}

void Session::Send() {
  // Every message fits, see the assertions above, and NAMES is cut to the limit.
  if (!IsOk(link_.Send())) ++counters_.errors_sent;
}

}  // namespace kws::app
