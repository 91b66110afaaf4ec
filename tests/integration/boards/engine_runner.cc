// Runs the linked engine on an emulated core: features from the file IN, scores and every state to the file OUT.
#include "file_runner.h"
#include "kws/board.h"
#include "kws/engine.h"
#include "kws/semihosting.h"
#include "model_info.h"

namespace {

namespace semihosting = kws::semihosting;
using kws::IsOk;
using kws::Status;

uint32_t g_layer_ticks[64];

}  // namespace

Status Run(semihosting::File in, semihosting::File out) {
  if (const Status status = kws::engine::Init(); !IsOk(status)) return status;
  if (kws::engine::LayerCount() > 64) return Status::kOutOfRange;
  for (uint32_t step = 0;; ++step) {
    // Odd addresses: the engine promises to take any.
    static uint8_t features[1 + kws::model::kStepFeatureCount];
    static uint8_t scores[1 + kws::model::kLabelCount];
    size_t read = 0;
    if (const Status status = semihosting::Read(in, features + 1, kws::model::kStepFeatureCount, &read);
        !IsOk(status)) {
      return status;
    }
    if (read != kws::model::kStepFeatureCount) break;
    const bool profiled = step % 3 == 2;
    kws::engine::SetProfile(profiled ? g_layer_ticks : nullptr, profiled ? kws::board::Ticks : nullptr);
    const Status status =
        kws::engine::Step(reinterpret_cast<int8_t*>(features + 1), reinterpret_cast<int8_t*>(scores + 1));
    if (!IsOk(status)) return status;
    if (const Status wrote = semihosting::Write(out, scores + 1, kws::model::kLabelCount); !IsOk(wrote)) return wrote;
    for (size_t state = 0; state < kws::model::kStateCount; ++state) {
      uint8_t piece[256];
      size_t offset = 0, n = 0;
      while ((n = kws::engine::ReadState(state, offset, reinterpret_cast<int8_t*>(piece), sizeof piece)) != 0) {
        if (const Status wrote = semihosting::Write(out, piece, n); !IsOk(wrote)) return wrote;
        offset += n;
      }
    }
  }
  return Status::kOk;
}
