// Drives engine `tflm` with the fake interpreter on the host and prints what it sees, for test_tflm_engine.py.
#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "engine/tflm/tflm_log.h"
#include "kws/board.h"
#include "kws/crc32.h"
#include "kws/engine.h"
#include "model_info.h"

namespace kws {

void board::WriteSerial(const uint8_t* data, size_t size) { std::fwrite(data, 1, size, stdout); }

namespace {

uint32_t g_now;
uint32_t Now() { return g_now += 5; }

void PrintStates() {
  for (size_t state = 0; state < model::kStateCount; ++state) {
    int8_t block[100];
    uint32_t crc = 0;
    size_t offset = 0;
    for (size_t n; (n = engine::ReadState(state, offset, block, sizeof block)) > 0; offset += n) {
      crc = Crc32(block, n, crc);
    }
    std::printf("state %s %zu %u\n", model::kStates[state].name, offset, crc);
  }
}

void RunSteps(unsigned count) {
  for (unsigned step = 0; step < count; ++step) {
    int8_t features[model::kStepFeatureCount];
    for (size_t i = 0; i < model::kStepFeatureCount; ++i) features[i] = static_cast<int8_t>(31 * step + 7 * i);
    int8_t scores[model::kLabelCount];
    std::printf("step %u", static_cast<unsigned>(engine::Step(features, scores)));
    for (const int8_t score : scores) std::printf(" %d", score);
    std::printf("\n");
  }
}

void Log(const char* format, ...) {
  char line[24];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = engine::tflm::FormatLog(line, sizeof line, format, arguments);
  va_end(arguments);
  std::printf("log %zu [%s]\n", length, line);
}

}  // namespace
}  // namespace kws

int main() {
  using namespace kws;
  int8_t features[model::kStepFeatureCount] = {};
  int8_t scores[model::kLabelCount];
  std::printf("early %u %zu\n", static_cast<unsigned>(engine::Step(features, scores)),
              engine::ReadState(0, 0, scores, sizeof scores));
  std::printf("name %s\n", engine::Name());
  const Status status = engine::Init();
  std::printf("init %u\n", static_cast<unsigned>(status));
  if (!IsOk(status)) return 0;
  PrintStates();
  RunSteps(3);
  PrintStates();
  std::printf("beyond %zu %zu\n", engine::ReadState(model::kStateCount, 0, scores, 1),
              engine::ReadState(0, 1u << 20, scores, 1));
  engine::Reset();
  RunSteps(1);
  const engine::BufferSizes sizes = engine::Buffers();
  std::printf("buffers %u %u %u\n", sizes.state_bytes, sizes.scratch_bytes, sizes.weights_bytes);
  static uint32_t ticks[64];
  engine::SetProfile(ticks, Now);
  RunSteps(2);
  engine::SetProfile(nullptr, nullptr);
  RunSteps(1);
  std::printf("layers %zu %s [%s]", engine::LayerCount(), engine::LayerName(0),
              engine::LayerName(engine::LayerCount()));
  for (size_t i = 0; i < engine::LayerCount(); ++i) std::printf(" %u", ticks[i]);
  std::printf("\n");
  Log("plain");
  Log("%d %u %x %s %c %%", -5, 7u, 255u, "text", 'z');
  Log("%ld %zu %5.2d|%lld", -2147483647L, static_cast<size_t>(9), 3, -9223372036854775807LL - 1);
  Log("value %f of %d", 1.5, 3);
  Log("%s", static_cast<const char*>(nullptr));
  Log("%d%", 4);
  return 0;
}
