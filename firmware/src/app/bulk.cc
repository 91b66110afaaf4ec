#include "app/bulk.h"

#include <cstring>

#include "app/semihosting_audio_source.h"
#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/protocol.h"
#include "kws/semihosting.h"
#include "kws/step_clock.h"
#include "model_info.h"

namespace kws::app {
namespace {

constexpr StepClock kClock{model::kWindowSamples, model::kHopSamples, model::kFramesPerStep};
constexpr size_t kBlockSamples = 1024;

// Collects small records, since every write of the emulator's host costs time there.
class Output {
 public:
  explicit Output(semihosting::File file) : file_(file) {}

  void Bytes(const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    for (size_t i = 0; i < size; ++i) {
      if (size_ == sizeof(buffer_)) Flush();
      buffer_[size_++] = bytes[i];
    }
  }
  void U8(uint8_t value) { Bytes(&value, 1); }
  void U16(uint16_t value) {
    U8(static_cast<uint8_t>(value));
    U8(static_cast<uint8_t>(value >> 8));
  }
  void U32(uint32_t value) {
    U16(static_cast<uint16_t>(value));
    U16(static_cast<uint16_t>(value >> 16));
  }
  void Flush() {
    if (IsOk(status_)) status_ = semihosting::Write(file_, buffer_, size_);
    size_ = 0;
  }
  Status status() const { return status_; }

  uint32_t steps = 0;

 private:
  semihosting::File file_;
  Status status_ = Status::kOk;
  size_t size_ = 0;
  uint8_t buffer_[512];
};

void WriteStep(void* context, const StepResult& result) {
  auto& out = *static_cast<Output*>(context);
  out.U32(Crc32(result.features, model::kStepFeatureCount));
  out.Bytes(result.scores, model::kLabelCount);
  out.U8(result.detected ? result.detected_label : kNoLabel);
  out.U16(result.detected ? result.detected_smoothed_q15 : 0);
  ++out.steps;
}

uint32_t U32At(const uint8_t* bytes) {
  return bytes[0] | (static_cast<uint32_t>(bytes[1]) << 8) | (static_cast<uint32_t>(bytes[2]) << 16) |
         (static_cast<uint32_t>(bytes[3]) << 24);
}

// Streams one recording through the pipeline, its steps to `out`.
Status RunRecording(Pipeline& pipeline, SemihostingAudioSource& source, uint32_t samples, Output& out) {
  static int16_t pcm[kBlockSamples];
  const uint32_t steps = kClock.StepsIn(samples);
  source.Begin(samples);
  pipeline.Reset();
  out.U32(steps);
  out.steps = 0;
  while (const size_t count = source.Read(pcm, kBlockSamples)) {
    const Status status = pipeline.Push(pcm, count, &WriteStep, &out);
    if (!IsOk(status)) return status;
  }
  if (!IsOk(source.status())) return source.status();
  return out.steps == steps ? Status::kOk : Status::kInternal;
}

Status RunRecordings(Pipeline& pipeline, semihosting::File in, Output& out) {
  uint8_t header[12];
  Status status = ReadExactly(in, header, sizeof(header));
  if (!IsOk(status)) return status;
  if (std::memcmp(header, "KWSB", 4) != 0 || U32At(header + 4) != kBulkVersion) return Status::kInvalidArgument;
  const uint32_t recordings = U32At(header + 8);
  out.Bytes("KWSR", 4);
  out.U32(kBulkVersion);
  out.U32(recordings);
  out.U32(model::kLabelCount);
  out.Bytes(model::kModelSha256, 32);
  SemihostingAudioSource source(in);
  uint32_t all_steps = 0;
  for (uint32_t recording = 0; recording < recordings; ++recording) {
    status = ReadExactly(in, header, 4);
    if (IsOk(status)) status = RunRecording(pipeline, source, U32At(header), out);
    if (!IsOk(status)) return status;
    all_steps += out.steps;
  }
  out.Bytes("KWSE", 4);
  out.U32(all_steps);
  out.Flush();
  return out.status();
}

}  // namespace

Status RunBulk(Pipeline& pipeline, const char* in, const char* out) {
  semihosting::File input, output;
  Status status = semihosting::Open(in, semihosting::Mode::kRead, &input);
  if (!IsOk(status)) return status;
  status = semihosting::Open(out, semihosting::Mode::kWrite, &output);
  if (IsOk(status)) {
    Output results(output);
    status = RunRecordings(pipeline, input, results);
    const Status closed = semihosting::Close(&output);
    if (IsOk(status)) status = closed;
  }
  const Status closed = semihosting::Close(&input);
  return IsOk(status) ? closed : status;
}

void RunCommandLine(Pipeline& pipeline) {
  constexpr size_t kWords = 3;
  const char* words[kWords] = {};
  size_t count = 0;
  if (!IsOk(semihosting::CommandWords(words, kWords, &count)) || count == 0) return;
  if (std::strcmp(words[0], "bulk") != 0) return;
  Status status = pipeline.status();
  if (IsOk(status)) status = count == kWords ? RunBulk(pipeline, words[1], words[2]) : Status::kInvalidArgument;
  if (!IsOk(status)) {
    semihosting::WriteText("bulk: ");
    semihosting::WriteText(StatusName(status));
    semihosting::WriteText("\n");
  }
  board::Exit(IsOk(status) ? 0 : 1);
}

}  // namespace kws::app
