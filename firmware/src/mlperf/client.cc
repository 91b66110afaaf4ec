#include "mlperf/client.h"

#include <cstring>

#include "kws/board.h"
#include "kws/engine.h"
#include "kws/posteriors.h"

namespace kws::mlperf {
namespace {

// What the runner chooses its test by: keyword spotting, whatever the model.
constexpr char kTest[] = "kws01";
// The reference's name of the set of commands; runners before the one in Python look for it.
constexpr char kProfile[] = "ULPMark for tinyML Firmware V0.0.1";
// Where `infer` says nothing else.
constexpr int32_t kInferences = 1;
constexpr int32_t kWarmUps = 10;
constexpr size_t kBytesPerLine = 8;

}  // namespace

struct Client::Command {
  const char* name;
  void (Client::*run)(Words& words);
};

const Client::Command Client::kCommands[] = {
    {"name", &Client::Name}, {"profile", &Client::Profile}, {"timestamp", &Client::Timestamp}, {"help", &Client::Help},
    {"db", &Client::Load},   {"infer", &Client::Infer},     {"results", &Client::Results},
};

void Client::Start(Status engine_status) {
  engine_status_ = engine_status;
  has_results_ = false;
  reader_ = CommandReader();
  input_.Clear();
  clock_.Start(board::Clock(), clock_hz_, board::Ticks());
  out_.Text("m-timestamp-mode-performance\r\n");
  PrintLap();
  out_.Text("m-init-done\r\nm-ready\r\n");
}

void Client::Receive(uint8_t byte) {
  char* command = reader_.Push(byte);
  if (command != nullptr) Answer(command);
}

void Client::Answer(char* command) {
  Words words(command);
  const char* name = words.Next();
  // The runner clears the line by an empty command.
  if (name != nullptr) {
    const Command* found = nullptr;
    for (const Command& each : kCommands) {
      if (std::strcmp(name, each.name) == 0) found = &each;
    }
    if (found != nullptr) {
      (this->*found->run)(words);
    } else {
      Error("Unknown command: ", name);
    }
  }
  out_.Text("m-ready\r\n");
}

void Client::Name(Words&) { out_.Text("m-name-dut-[kws-kit ").Text(board::Name()).Text("]\r\n"); }

void Client::Profile(Words&) {
  out_.Text("m-profile-[").Text(kProfile).Text("]\r\n");
  out_.Text("m-model-[").Text(kTest).Text("]\r\n");
  // Ours, for who reads the log: which model that was.
  out_.Text("m-bundle-[").Foreign(model::kName).Text(" ").Text(model::kModelSha256Hex).Text("]\r\n");
}

void Client::Help(Words&) {
  out_.Text(kProfile).Text("\r\n\r\n");
  out_.Text("help            this list\r\n");
  out_.Text("name            the device\r\n");
  out_.Text("profile         the set of commands and the model\r\n");
  out_.Text("timestamp       microseconds since the start\r\n");
  out_.Text("db load N       expects N bytes\r\n");
  out_.Text("db HH[HH]*      takes some of them, in hexadecimal\r\n");
  out_.Text("db print        shows them\r\n");
  out_.Text("infer [N] [W]   W runs to warm up (10), then N timed ones (1)\r\n");
  out_.Text("results         the last run's scores, then their probabilities\r\n");
}

void Client::Timestamp(Words&) { PrintLap(); }

void Client::Load(Words& words) {
  const char* word = words.Next();
  if (word == nullptr) {
    Error("Command 'db' requires a subcommand");
  } else if (std::strcmp(word, "load") == 0) {
    ExpectBytes(words.Next());
  } else if (std::strcmp(word, "print") == 0) {
    PrintBytes();
  } else {
    LoadBytes(word);
  }
}

void Client::ExpectBytes(const char* count) {
  if (count == nullptr) return Error("Command 'db load' requires the # of bytes");
  const int32_t size = ParseNumber(count);
  const bool accepted = input_.Expect(size > 0 ? static_cast<size_t>(size) : 0);
  if (size <= 0) return Error("Command 'db load' must be >0 bytes");
  if (!accepted) {
    out_.Text("e-[Supplied buffer size ").Signed(size).Text(" exceeds maximum of ");
    out_.Number(InputBuffer::kCapacityBytes).Text("]\r\n");
    return;
  }
  out_.Text("m-[Expecting ").Signed(size).Text(" bytes]\r\n");
}

void Client::LoadBytes(const char* digits) {
  char bad[3] = {};
  switch (input_.Append(digits, bad)) {
    case InputBuffer::Outcome::kMore:
      return;
    case InputBuffer::Outcome::kDone:
      out_.Text("m-load-done\r\n");
      return;
    case InputBuffer::Outcome::kOddDigits:
      return Error("Insufficient number of hex digits");
    case InputBuffer::Outcome::kBadDigit:
      out_.Text("e-[Invalid hex digit '").Foreign(bad).Text("']\r\n");
      return;
    case InputBuffer::Outcome::kNoRoom:
      return Error("Command 'db' got more bytes than 'db load' announced");
  }
}

void Client::PrintBytes() {
  const auto* bytes = reinterpret_cast<const uint8_t*>(input_.data());
  for (size_t i = 0; i < input_.size(); ++i) {
    out_.Text(i % kBytesPerLine == 0 ? "m-buffer-" : "-").Hex(bytes[i]);
    if ((i + 1) % kBytesPerLine == 0 || i + 1 == input_.size()) out_.EndLine();
  }
}

void Client::Infer(Words& words) {
  const char* inferences = words.Next();
  const char* warm_ups = words.Next();
  const int32_t n = inferences != nullptr ? ParseNumber(inferences) : kInferences;
  const int32_t w = warm_ups != nullptr ? ParseNumber(warm_ups) : kWarmUps;
  if (n <= 0) return Error("Inference iterations must be >0");
  if (w < 0) return Error("Inference warmup must be >=0");
  if (!IsOk(engine_status_)) return Error("The engine did not start: ", StatusName(engine_status_));
  if (!input_.complete() || input_.size() % model::kStepFeatureCount != 0) {
    out_.Text("e-[Input has ").Number(input_.size()).Text(" of ").Number(input_.expected());
    out_.Text(" bytes, the model takes whole steps of ").Number(model::kStepFeatureCount).Text("]\r\n");
    return;
  }
  has_results_ = false;
  Status status = Status::kOk;
  out_.Text("m-warmup-start-").Signed(w).EndLine();
  for (int32_t i = 0; i < w && IsOk(status); ++i) status = RunModel();
  out_.Text("m-warmup-done\r\nm-infer-start-").Signed(n).EndLine();
  PrintLap();
  for (int32_t i = 0; i < n && IsOk(status); ++i) status = RunModel();
  PrintLap();
  out_.Text("m-infer-done\r\n");
  if (!IsOk(status)) return Error("The engine failed: ", StatusName(status));
  has_results_ = true;
  Results(words);
}

void Client::Results(Words&) {
  if (!has_results_) return Error("No results: command 'infer' makes them");
  // The runner divides results by their sum, which logits do not bear.
  const Posteriors posteriors(scores_);
  for (size_t k = 0; k < model::kLabelCount; ++k) out_.Text(k == 0 ? "m-scores-[" : ",").Signed(scores_[k]);
  out_.Text("]\r\n");
  for (size_t k = 0; k < model::kLabelCount; ++k) {
    out_.Text(k == 0 ? "m-results-[" : ",").Q15(posteriors.PosteriorQ15(scores_[k]));
  }
  out_.Text("]\r\n");
}

Status Client::RunModel() {
  engine::Reset();
  for (size_t at = 0; at < input_.size(); at += model::kStepFeatureCount) {
    const Status status = engine::Step(input_.data() + at, scores_);
    if (!IsOk(status)) return status;
    clock_.Advance(board::Ticks());  // the counter may go round within one command
  }
  return Status::kOk;
}

void Client::PrintLap() {
  clock_.Advance(board::Ticks());
  if (!clock_.known()) return Error("This board has no clock that counts");
  out_.Text("m-lap-us-").Number(clock_.Microseconds()).EndLine();
}

void Client::Error(const char* text, const char* detail) { out_.Text("e-[").Text(text).Foreign(detail).Text("]\r\n"); }

}  // namespace kws::mlperf
