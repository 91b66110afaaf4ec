// The ring between session and pipeline: order, wrap-around, refusal of what does not fit.
#include <cstdio>
#include <cstdlib>

#include "app/link_audio_source.h"

namespace {

using kws::Status;
using kws::app::LinkAudioSource;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "link_audio_source_test: %s\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  constexpr size_t kCapacity = LinkAudioSource::kCapacityBytes;
  static LinkAudioSource source;
  static uint8_t bytes[kCapacity + 2];
  static int16_t samples[kCapacity];
  Check(source.Write(bytes, 3) == Status::kInvalidArgument, "half a sample was taken");
  Check(source.Write(bytes, kCapacity + 2) == Status::kOutOfRange, "more than the ring holds was taken");
  Check(source.written_bytes() == 0 && source.Read(samples, 10) == 0, "a refused piece left something");
  Check(source.Write(bytes, kCapacity) == Status::kOk, "a full ring was refused");
  Check(source.Write(bytes, 2) == Status::kOutOfRange, "a full ring took more");
  Check(source.Read(samples, kCapacity) == kCapacity / 2, "a full ring gave less");
  // Pieces of changing sizes, many times around.
  uint16_t in = 0;
  uint16_t out = 0;
  size_t held = 0;
  for (size_t round = 0; round < 5000; ++round) {
    const size_t count = (round * 37) % 400;
    if (2 * (held + count) <= kCapacity) {
      for (size_t i = 0; i < count; ++i, ++in) {
        bytes[2 * i] = static_cast<uint8_t>(in);
        bytes[2 * i + 1] = static_cast<uint8_t>(in >> 8);
      }
      Check(source.Write(bytes, 2 * count) == Status::kOk, "a piece that fits was refused");
      held += count;
    }
    const size_t got = source.Read(samples, (round * 53) % 300);
    for (size_t i = 0; i < got; ++i, ++out) Check(static_cast<uint16_t>(samples[i]) == out, "samples changed or moved");
    held -= got;
  }
  Check(source.written_bytes() - source.read_bytes() == 2 * held, "the counters are wrong");
  Check(source.read_bytes() > 10 * kCapacity, "the test did not go around");
  source.Clear();
  Check(source.Read(samples, 10) == 0 && source.written_bytes() == 0, "Clear() left something");
  std::puts("ok");
  return 0;
}
