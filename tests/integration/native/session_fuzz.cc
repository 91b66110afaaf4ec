// Fuzzes the whole application: bytes of the wire through decoder, Requests, Session and Pipeline, with the made-up
// model (fake_model) and a board in memory (fuzz_board.h). With libFuzzer (-DKWS_LIBFUZZER, frame_mutator.cc), or as a
// program that runs the inputs in the files that it is given.
//
// Whatever the bytes were: what is sent are whole frames; a good frame is answered once, with its seq, a bad one not at
// all; steps are counted from 0 without a gap; no more audio is taken than there is room for; RESET works behind it
// all; and a recording gives the integers that it always gives (behind one of eight inputs, chosen by their CRC: it
// takes longer than most of them).
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "app/fault_log.h"
#include "app/link_audio_source.h"
#include "app/microphone_source.h"
#include "app/pipeline.h"
#include "app/session.h"
#include "fuzz_board.h"
#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/frame.h"
#include "kws/link.h"

namespace {

using kws::MessageType;
using kws::fuzz::Check;
using kws::fuzz::g_board;
using kws::fuzz::Sent;

// As main.cc wires them. They live on from input to input, as static memory does through a restart.
kws::Link g_link(&kws::board::WriteSerial);
kws::app::LinkAudioSource g_host;
kws::app::MicrophoneSource g_microphone;
kws::app::Pipeline g_pipeline;
kws::app::Session g_session(g_link, g_host, g_microphone, g_pipeline);

kws::FrameDecoderBuffer<kws::kMaxFrameBytes> g_received;  // what the firmware must make of its input
bool g_has_request;
kws::Frame g_request;
uint32_t g_next_step;
uint32_t g_polls;

uint32_t U32(const Sent& sent, size_t at) {
  Check(sent.payload.size() >= at + 4, "a message is too short");
  uint32_t value;
  std::memcpy(&value, sent.payload.data() + at, 4);
  return value;
}

bool Is(const Sent& sent, MessageType type) { return sent.type == static_cast<uint8_t>(type); }

bool IsEvent(const Sent& sent) {
  return sent.type >= static_cast<uint8_t>(MessageType::kHello) && !Is(sent, MessageType::kError);
}

bool RequestIs(MessageType type) {
  return g_request.type == static_cast<uint8_t>(type) && g_request.version == kws::kProtocolVersion;
}

void CheckEvents() {
  for (const Sent& sent : g_board.sent) {
    if (Is(sent, MessageType::kHello) || Is(sent, MessageType::kResetDone) || Is(sent, MessageType::kSource)) {
      g_next_step = 0;
    }
    if (Is(sent, MessageType::kCredit) || Is(sent, MessageType::kResetDone)) {
      const uint32_t room_bytes = U32(sent, 4) - U32(sent, 0);  // offsets wrap
      Check(room_bytes <= kws::app::LinkAudioSource::kCapacityBytes, "more audio was taken than there is room for");
    }
    if (!Is(sent, MessageType::kStep)) continue;
    Check(U32(sent, 0) == g_next_step || U32(sent, 0) == 0, "a step is missing");
    g_next_step = U32(sent, 0) + 1;
  }
}

// The session has read up to the end of a chunk at most.
void CheckAnswer() {
  size_t answers = 0;
  for (const Sent& sent : g_board.sent) {
    if (IsEvent(sent)) continue;
    ++answers;
    Check(g_has_request && sent.seq == g_request.seq, "an answer that nobody asked for");
  }
  if (!g_has_request) return;
  const bool may_wait = RequestIs(MessageType::kAudio);  // its CREDIT comes when there is room
  Check(answers == 1 || (may_wait && answers == 0), "a request was not answered once");
}

void Poll() {
  const uint8_t* const before = g_board.input;
  const size_t left = g_board.input_bytes;
  // The request is known before the firmware handles it: it may restart.
  const size_t most = left < 128 ? left : 128;
  g_has_request = false;
  for (size_t i = 0; i < most; ++i) {
    if (g_received.Push(before[i]) == kws::FrameEvent::kFrame) {
      g_request = g_received.frame();
      g_has_request = true;
    }
    if (before[i] == 0) break;
  }
  g_board.sent.clear();
  g_session.Poll();
  CheckAnswer();
  CheckEvents();
}

void Process() {
  g_board.sent.clear();
  g_session.Process();
  CheckEvents();
}

// Reads what is left of the input and the end of its last chunk, and computes all audio that came of it.
void Run() {
  while (g_board.input_bytes != 0) {
    Poll();
    if ((g_board.options & kws::fuzz::kSlowCore) == 0 || ++g_polls % 32 == 0) Process();
  }
  constexpr uint8_t kDelimiter = 0;
  g_board.input = &kDelimiter;
  g_board.input_bytes = 1;
  Poll();
  bool is_busy = true;
  while (is_busy) {
    g_board.sent.clear();
    is_busy = g_session.Process();
    CheckEvents();
  }
}

// Sends a request and returns its answer.
Sent Ask(MessageType type, const void* payload, size_t size) {
  uint8_t wire[kws::kMaxWireBytes];
  kws::FrameWriter writer(wire, sizeof(wire));
  writer.Begin(static_cast<uint8_t>(type), 0xA55A);
  writer.Bytes(payload, size);
  Check(kws::IsOk(writer.Finish()), "a good request does not fit");
  g_board.input = writer.data();
  g_board.input_bytes = writer.size();
  std::vector<Sent> sent;
  while (g_board.input_bytes != 0) {
    Poll();
    sent.insert(sent.end(), g_board.sent.begin(), g_board.sent.end());
  }
  for (const Sent& one : sent) {
    if (!IsEvent(one)) return one;
  }
  return {0, 0, {}};
}

// Ends what the input has left. False: the engine has failed, and says so.
bool ResetWorks() {
  const uint8_t host[] = {0, 0, 1, 0};
  const Sent source = Ask(MessageType::kSetSource, host, sizeof(host));
  const Sent reset = Ask(MessageType::kReset, nullptr, 0);
  if (!kws::IsOk(g_pipeline.status())) {
    for (const Sent& answer : {source, reset}) {
      Check(Is(answer, MessageType::kError) && answer.payload.at(0) == static_cast<uint8_t>(kws::ErrorCode::kEngine),
            "a failed engine is not told");
    }
    return false;
  }
  Check(Is(source, MessageType::kSource), "SET_SOURCE after hostile bytes");
  Check(Is(reset, MessageType::kResetDone) && U32(reset, 0) == 0, "RESET after hostile bytes");
  return true;
}

// A recording of one step, whose result is known (fake_model.cc).
void CheckGoodRecording() {
  const uint8_t features_only = kws::kConfigFeatures;
  Check(Is(Ask(MessageType::kConfigure, &features_only, 1), MessageType::kConfigured), "CONFIGURE after hostile bytes");
  constexpr size_t kSamples = 640, kPiece = 320;  // one step of the made-up model
  uint8_t pcm[2 * kSamples];
  for (size_t i = 0; i < sizeof(pcm); ++i) pcm[i] = static_cast<uint8_t>(i * 7);
  std::vector<Sent> steps;
  for (uint32_t offset = 0; offset < sizeof(pcm); offset += 2 * kPiece) {
    uint8_t audio[4 + 2 * kPiece];
    std::memcpy(audio, &offset, 4);
    std::memcpy(audio + 4, pcm + offset, 2 * kPiece);
    Check(!Is(Ask(MessageType::kAudio, audio, sizeof(audio)), MessageType::kError), "AUDIO after hostile bytes");
    for (int i = 0; i < 3; ++i) {
      Process();
      for (const Sent& sent : g_board.sent) {
        if (Is(sent, MessageType::kStep)) steps.push_back(sent);
      }
    }
  }
  Check(steps.size() == 1, "a recording of one step gives another number of them");
  // The features are the low bytes of the last four samples of each window; the scores their sums.
  int8_t sums[3];
  for (size_t k = 0; k < 3; ++k) sums[k] = static_cast<int8_t>(pcm[2 * (476 + k)] + pcm[2 * (636 + k)]);
  const Sent& step = steps[0];
  Check(U32(step, 0) == 0 && U32(step, 4) == kws::Crc32(pcm, sizeof(pcm)), "not the audio that was sent");
  Check(step.payload.size() == kws::kStepFixedBytes + 3 + 8 && std::memcmp(step.payload.data() + 24, sums, 3) == 0,
        "a recording gives other integers than it always does");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  kws::fuzz::CatchFaults();
  g_board.Start(data, size);
  g_received.Push(0);
  g_polls = 0;
  if (sigsetjmp(g_board.start, 1) != 0) {
    Check(g_has_request && (RequestIs(MessageType::kRestart) || RequestIs(MessageType::kTestFault)),
          "a restart that nobody asked for");
  }
  kws::app::StartFaultLog();
  (void)g_pipeline.Init();
  g_board.sent.clear();
  g_session.Start();
  Check(g_board.sent.size() == 1 && Is(g_board.sent[0], MessageType::kHello), "no HELLO after a start");
  CheckEvents();
  Run();
  if (ResetWorks() && kws::Crc32(data, size) % 8 == 0) CheckGoodRecording();
  return 0;
}

#ifndef KWS_LIBFUZZER
int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<uint8_t> data{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  std::printf("%d inputs\n", argc - 1);
  return 0;
}
#endif
