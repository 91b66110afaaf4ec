// Runs the linked engine on the host: features from stdin, scores and every state after every step to stdout.
//   engine_main [RESET_EVERY]: forgets all audio before every RESET_EVERY-th step (0 or absent: never)
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kws/engine.h"
#include "model_info.h"

namespace {

namespace engine = kws::engine;
namespace model = kws::model;

int Fail(const char* what) {
  fprintf(stderr, "engine_main: %s\n", what);
  return 1;
}

uint32_t g_ticks = 0;
uint32_t Ticks() { return ++g_ticks; }
uint32_t g_layer_ticks[256];

}  // namespace

int main(int argc, char** argv) {
  const auto reset_every = static_cast<uint32_t>(argc > 1 ? strtoul(argv[1], nullptr, 10) : 0);
  // Exactly as large as the contract says, so that AddressSanitizer sees every access beyond; odd addresses as well.
  static int8_t features[model::kStepFeatureCount];
  static int8_t scores[model::kLabelCount];
  if (engine::Step(features, scores) != kws::Status::kFailedPrecondition) return Fail("Step() ran before Init()");
  if (engine::Init() != kws::Status::kOk) return Fail("Init() failed");
  if (engine::LayerCount() > 256) return Fail("more layers than this driver expects");
  if (strcmp(engine::LayerName(engine::LayerCount()), "") != 0) return Fail("an unknown layer has a name");
  int8_t byte = 0;
  if (engine::ReadState(model::kStateCount, 0, &byte, 1) != 0) return Fail("an unknown state can be read");
  for (uint32_t step = 0; fread(features, 1, sizeof features, stdin) == sizeof features; ++step) {
    if (reset_every != 0 && step % reset_every == 0) engine::Reset();
    // A profile must not change results; every third step runs with one.
    engine::SetProfile(step % 3 == 2 ? g_layer_ticks : nullptr, step % 3 == 2 ? Ticks : nullptr);
    if (engine::Step(features, scores) != kws::Status::kOk) return Fail("Step() failed");
    fwrite(scores, 1, sizeof scores, stdout);
    for (size_t state = 0; state < model::kStateCount; ++state) {
      // In pieces of odd size, the last one asking for more than there is.
      int8_t piece[37];
      size_t offset = 0, n = 0;
      while ((n = engine::ReadState(state, offset, piece, sizeof piece)) != 0) {
        fwrite(piece, 1, n, stdout);
        offset += n;
      }
      if (offset != model::kStates[state].size) return Fail("a state has another size than model_info.h says");
    }
  }
  const engine::BufferSizes sizes = engine::Buffers();
  fprintf(stderr, "{\"name\": \"%s\", \"state_bytes\": %u, \"scratch_bytes\": %u, \"weights_bytes\": %u, \"layers\": {",
          engine::Name(), static_cast<unsigned>(sizes.state_bytes), static_cast<unsigned>(sizes.scratch_bytes),
          static_cast<unsigned>(sizes.weights_bytes));
  for (size_t i = 0; i < engine::LayerCount(); ++i) {
    fprintf(stderr, "%s\"%s\": %u", i ? ", " : "", engine::LayerName(i), static_cast<unsigned>(g_layer_ticks[i]));
  }
  fprintf(stderr, "}}\n");
  return 0;
}
