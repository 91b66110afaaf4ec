// Runs every case of tests/vectors/link.txt through the firmware's link code: link_vectors_test FILE.
// Prints the number of cases of each kind; the first wrong one goes to stderr and makes the exit status 1.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "kws/cobs.h"
#include "kws/crc32.h"
#include "kws/frame.h"
#include "kws/link.h"
#include "kws/messages.h"

namespace {

using Bytes = std::vector<uint8_t>;
using Fields = std::map<std::string, std::string>;

Bytes Unhex(const std::string& text) {
  Bytes bytes;
  if (text == "-") return bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::strtoul(text.substr(i, 2).c_str(), nullptr, 16)));
  }
  return bytes;
}

std::string Hex(const uint8_t* data, size_t size) {
  if (size == 0) return "-";
  std::string text;
  char digits[3];
  for (size_t i = 0; i < size; ++i) {
    std::snprintf(digits, sizeof(digits), "%02x", data[i]);
    text += digits;
  }
  return text;
}

uint64_t Number(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  if (found == fields.end()) {
    std::cerr << "field " << name << " is missing\n";
    std::exit(1);
  }
  return std::strtoull(found->second.c_str(), nullptr, 10);
}

std::string Text(const Fields& fields, const std::string& name) {
  const Bytes bytes = Unhex(fields.at(name).substr(5));  // after "text:"
  return std::string(bytes.begin(), bytes.end());
}

std::vector<uint32_t> Numbers(const std::string& text) {
  std::vector<uint32_t> values;
  if (text == "-") return values;
  std::stringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) {
    values.push_back(static_cast<uint32_t>(std::strtoul(item.c_str(), nullptr, 10)));
  }
  return values;
}

// Writes the message that the fields describe. False: unknown name.
bool WriteMessage(const std::string& name, const Fields& f, uint16_t seq, kws::FrameWriter& out) {
  const auto u32 = [&f](const char* field) { return static_cast<uint32_t>(Number(f, field)); };
  const auto u16 = [&f](const char* field) { return static_cast<uint16_t>(Number(f, field)); };
  const auto u8 = [&f](const char* field) { return static_cast<uint8_t>(Number(f, field)); };
  const auto begin = [&](kws::MessageType type) { out.Begin(static_cast<uint8_t>(type), seq); };
  if (name == "info") {
    begin(kws::MessageType::kInfo);
    const Bytes sha256 = Unhex(f.at("model_sha256"));
    const std::string version = Text(f, "firmware_version"), board = Text(f, "board");
    const std::string engine = Text(f, "engine"), model = Text(f, "model_name");
    kws::InfoMessage message{};
    message.clock = {static_cast<kws::board::TickInfo::Kind>(u8("clock_kind")), u32("tick_numerator"),
                     u32("tick_denominator")};
    message.sample_rate_hz = u32("sample_rate_hz");
    message.window_samples = u16("window_samples");
    message.hop_samples = u16("hop_samples");
    message.frames_per_step = u8("frames_per_step");
    message.feature_count = u8("feature_count");
    message.label_count = u8("label_count");
    message.state_count = u8("state_count");
    message.layer_count = u16("layer_count");
    message.credit_window_bytes = u32("credit_window_bytes");
    message.state_bytes = u32("state_bytes");
    message.scratch_bytes = u32("scratch_bytes");
    message.weights_bytes = u32("weights_bytes");
    message.stack_size_bytes = u32("stack_size_bytes");
    message.model_sha256 = sha256.data();
    message.firmware_version = version.c_str();
    message.board = board.c_str();
    message.engine = engine.c_str();
    message.model_name = model.c_str();
    kws::Write(message, out);
  } else if (name == "step") {
    begin(kws::MessageType::kStep);
    const Bytes scores = Unhex(f.at("scores")), features = Unhex(f.at("features"));
    kws::StepMessage message{};
    message.step = u32("step");
    message.audio_crc = u32("audio_crc");
    message.frontend_ticks = u32("frontend_ticks");
    message.engine_ticks = u32("engine_ticks");
    message.detector_ticks = u32("detector_ticks");
    message.top_label = u8("top_label");
    message.top_smoothed_q15 = u16("top_smoothed_q15");
    message.scores = reinterpret_cast<const int8_t*>(scores.data());
    message.score_count = static_cast<uint8_t>(scores.size());
    message.features = reinterpret_cast<const int8_t*>(features.data());
    message.feature_count = static_cast<uint16_t>(features.size());
    kws::Write(message, out);
  } else if (name == "detection") {
    begin(kws::MessageType::kDetection);
    kws::Write(kws::DetectionMessage{u32("step"), u8("label"), u16("smoothed_q15")}, out);
  } else if (name == "bench") {
    begin(kws::MessageType::kBench);
    const std::vector<uint32_t> layers = Numbers(f.at("layer_ticks"));
    kws::Write(kws::BenchMessage{u32("steps"), Number(f, "frontend_ticks"), Number(f, "engine_ticks"),
                                 Number(f, "detector_ticks"), u16("first_layer"), layers.data(),
                                 static_cast<uint8_t>(layers.size()), Number(f, "awake_ticks")},
               out);
  } else if (name == "stats") {
    begin(kws::MessageType::kStats);
    kws::Write(kws::StatsMessage{u32("frames_ok"),        u32("frames_bad_cobs"),      u32("frames_too_short"),
                                 u32("frames_too_long"),  u32("frames_bad_crc"),       u32("frames_repeated"),
                                 u32("errors_sent"),      u32("serial_overruns"),      u32("audio_gaps"),
                                 u32("audio_overruns"),   u32("audio_repeated_bytes"), u32("steps"),
                                 u32("detections"),       u32("stack_size_bytes"),     u32("stack_used_bytes"),
                                 u32("state_bytes"),      u32("scratch_bytes"),        u32("weights_bytes"),
                                 u32("frontend_bytes"),   u32("detector_bytes"),       u32("link_bytes"),
                                 u32("audio_ring_bytes"), u32("microphone_samples"),   u32("microphone_lost_samples")},
               out);
  } else if (name == "fault") {
    begin(kws::MessageType::kFault);
    kws::WriteFault(u32("count"),
                    kws::FaultRecord{u32("type"), u32("pc"), u32("lr"), u32("sp"), u32("xpsr"), u32("cfsr"),
                                     u32("hfsr"), u32("mmfar"), u32("bfar")},
                    out);
  } else if (name == "credit") {
    begin(kws::MessageType::kCredit);
    kws::WriteCredit(u32("received_bytes"), u32("limit_bytes"), out);
  } else if (name == "error") {
    begin(kws::MessageType::kError);
    kws::WriteError(static_cast<kws::ErrorCode>(u8("code")), u8("request_type"), u32("detail"), out);
  } else if (name == "hello") {
    begin(kws::MessageType::kHello);
    kws::WriteHello(u32("starts"), u32("faults"), out);
  } else if (name == "state_digest") {
    begin(kws::MessageType::kStateDigest);
    const std::vector<uint32_t> crcs = Numbers(f.at("crcs"));
    kws::WriteStateDigest(u32("step"), crcs.data(), static_cast<uint8_t>(crcs.size()), out);
  } else if (name == "frontend_digest") {
    begin(kws::MessageType::kFrontendDigest);
    const std::vector<uint32_t> crcs = Numbers(f.at("crcs"));
    const std::vector<uint32_t> ticks = Numbers(f.at("ticks"));
    kws::WriteFrontendDigest(u32("step"), crcs.data(), static_cast<uint8_t>(crcs.size()), ticks.data(),
                             static_cast<uint8_t>(ticks.size()), out);
  } else if (name == "detector") {
    begin(kws::MessageType::kDetector);
    const std::vector<uint32_t> levels = Numbers(f.at("levels"));
    kws::WriteDetector(u8("origin"), u8("max_smoothing_steps"), u8("smoothing_steps"), u8("run_steps"),
                       u16("refractory_steps"), u16("quiet_steps"), u8("first_label"),
                       static_cast<uint16_t>(levels.size()), out);
    for (const uint32_t level : levels) out.U16(static_cast<uint16_t>(level));
  } else if (name == "audio_heard") {
    begin(kws::MessageType::kAudioHeard);
    const Bytes pcm = Unhex(f.at("pcm"));
    kws::WriteAudioHeard(u32("first_sample"), static_cast<uint16_t>(pcm.size() / 2), out);
    out.Bytes(pcm.data(), pcm.size());
  } else {
    return false;
  }
  return true;
}

// Decodes the unstuffed bytes of one frame by the streaming decoder. "" on failure.
std::string DecodeCobs(const Bytes& encoded) {
  std::vector<uint8_t> buffer(encoded.size() + 1);
  kws::CobsDecoder decoder(buffer.data(), buffer.size());
  for (const uint8_t byte : encoded) {
    if (!kws::IsOk(decoder.Push(byte))) return "";
  }
  return kws::IsOk(decoder.Finish()) ? Hex(decoder.data(), decoder.size()) : "";
}

std::string EncodeCobs(const Bytes& data) {
  std::vector<uint8_t> buffer(kws::CobsMaxEncodedBytes(data.size()));
  kws::CobsEncoder encoder(buffer.data(), buffer.size());
  for (const uint8_t byte : data) encoder.Push(byte);
  size_t size = 0;
  return kws::IsOk(encoder.Finish(&size)) ? Hex(buffer.data(), size) : "";
}

std::string DecodeStream(const Bytes& wire) {
  kws::FrameDecoderBuffer<> decoder;
  std::string events;
  for (const uint8_t byte : wire) {
    const kws::FrameEvent event = decoder.Push(byte);
    if (event == kws::FrameEvent::kNone) continue;
    if (event != kws::FrameEvent::kFrame) {
      events += std::string(" drop,") + kws::FrameEventName(event);
      continue;
    }
    const kws::Frame& frame = decoder.frame();
    events += " frame," + std::to_string(frame.version) + "," + std::to_string(frame.type) + "," +
              std::to_string(frame.seq) + "," + Hex(frame.payload, frame.payload_bytes);
  }
  return events;
}

std::string Finished(kws::FrameWriter& writer) {
  return kws::IsOk(writer.Finish()) ? Hex(writer.data(), writer.size()) : "";
}

// The text that the case must end with, computed here; "?" for a case of an unknown kind.
std::string Compute(const std::vector<std::string>& words, std::string* expected) {
  const std::string& kind = words[0];
  static uint8_t wire[kws::kMaxWireBytes];
  kws::FrameWriter writer(wire, sizeof(wire));
  if (kind == "crc") {
    const Bytes data = Unhex(words[1]);
    char text[9];
    // In two parts, so that continuing is tested as well.
    const size_t half = data.size() / 2;
    const uint32_t crc = kws::Crc32(data.data() + half, data.size() - half, kws::Crc32(data.data(), half));
    std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(crc));
    *expected = words[2];
    return text;
  }
  if (kind == "cobs") {
    *expected = words[2] + " " + words[1];
    return EncodeCobs(Unhex(words[1])) + " " + DecodeCobs(Unhex(words[2]));
  }
  if (kind == "frame") {
    const Bytes payload = Unhex(words[4]);
    writer.Begin(static_cast<uint8_t>(std::stoul(words[2])), static_cast<uint16_t>(std::stoul(words[3])),
                 static_cast<uint8_t>(std::stoul(words[1])));
    writer.Bytes(payload.data(), payload.size());
    *expected = words[5];
    return Finished(writer);
  }
  if (kind == "message") {
    Fields fields;
    for (size_t i = 2; i + 2 < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      fields[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    }
    *expected = words.back();
    const auto seq = static_cast<uint16_t>(std::stoul(words[words.size() - 2]));
    return WriteMessage(words[1], fields, seq, writer) ? Finished(writer) : "?";
  }
  if (kind == "stream") {
    for (size_t i = 3; i < words.size(); ++i) *expected += " " + words[i];
    return DecodeStream(Unhex(words[2]));
  }
  return "?";
}

}  // namespace

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "");
  if (!file) {
    std::cerr << "usage: link_vectors_test FILE\n";
    return 2;
  }
  std::map<std::string, int> counts;
  int line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    if (line.empty() || line[0] == '#') continue;
    std::stringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    std::string expected;
    const std::string computed = Compute(words, &expected);
    if (computed != expected || computed == "?") {
      std::cerr << "line " << line_number << " (" << words[0] << " " << words[1].substr(0, 40) << "): expected "
                << expected << ", computed " << computed << "\n";
      return 1;
    }
    ++counts[words[0]];
  }
  for (const auto& [kind, count] : counts) std::cout << kind << " " << count << "\n";
  return 0;
}
