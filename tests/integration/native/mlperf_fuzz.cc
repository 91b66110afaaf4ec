// Fuzzes MLPerf Tiny's client. With libFuzzer (-DKWS_LIBFUZZER) or as a seeded loop: mlperf_fuzz SEED ITERATIONS.
// Whatever the bytes were, each end of a command is answered by one m-ready, and the commands behind them are
// understood.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "mlperf/client.h"
#include "mlperf_fakes.h"

namespace {

std::string g_said;

void Write(const uint8_t* data, size_t size) { g_said.append(reinterpret_cast<const char*>(data), size); }

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "mlperf_fuzz: %s\n%s\n", what, g_said.c_str());
  std::abort();
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The answer to one byte; "" before a command's end.
const std::string& Push(kws::mlperf::Client& client, char byte) {
  g_said.clear();
  client.Receive(static_cast<uint8_t>(byte));
  Check(byte == '%' ? EndsWith(g_said, "m-ready\r\n") : g_said.empty(), "a byte was not answered as it should be");
  return g_said;
}

std::string Ask(kws::mlperf::Client& client, const std::string& command) {
  for (const char byte : command) Push(client, byte);
  return Push(client, '%');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static kws::mlperf::Client client(&Write, 25000000);
  client.Start(kws::Status::kOk);
  std::string command;
  for (size_t i = 0; i < size; ++i) {
    const char byte = static_cast<char>(data[i]);
    if (byte == '%') command.clear();
    if (byte != '\r' && byte != '\n') command += byte;
    // A million inferences say nothing more than a thousand.
    if (command.find("infer") != std::string::npos && byte >= '0' && byte <= '9' && command.size() > 10) continue;
    Push(client, byte);
  }
  Push(client, '%');
  const size_t bytes = kws::model::kStepFeatureCount;
  Check(Ask(client, "db load " + std::to_string(bytes)) ==
            "m-[Expecting " + std::to_string(bytes) + " bytes]\r\nm-ready\r\n",
        "db load after hostile bytes");
  std::string last;
  for (size_t i = 0; i < bytes; ++i) last = Ask(client, "db 00");
  Check(last == "m-load-done\r\nm-ready\r\n", "db after hostile bytes");
  Check(Ask(client, "infer 1 0").find("m-scores-[0,1,2") != std::string::npos, "infer after hostile bytes");
  return 0;
}

#ifndef KWS_LIBFUZZER
int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: mlperf_fuzz SEED ITERATIONS\n");
    return 2;
  }
  std::mt19937 random(static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10)));
  const size_t iterations = std::strtoul(argv[2], nullptr, 10);
  const std::string parts[] = {"name", "profile", "timestamp", "help", "db", "load", "print", "infer", "results", " ",
                               " ",    "%",       "%",         "80",   "-1", "0",    "160",   "9000",  "0aFf",    "zz"};
  for (size_t i = 0; i < iterations; ++i) {
    // Commands with a few random edits: most stay commands, so that what they run is reached too.
    std::string text;
    for (size_t words = random() % 30; words > 0; --words) {
      text += parts[random() % (sizeof(parts) / sizeof(parts[0]))];
      if (random() % 2 == 0) text += ' ';
    }
    for (size_t edits = random() % 4; edits > 0 && !text.empty(); --edits) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = static_cast<char>(random());
      } else {
        text.insert(at, random() % 100, static_cast<char>(random()));
      }
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  std::printf("%zu inputs\n", iterations);
  return 0;
}
#endif
