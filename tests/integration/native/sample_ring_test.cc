// The ring between a microphone's interrupt and the main thread: order, wrap-around, blocks that do not fit.
#include "kws/sample_ring.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

constexpr size_t kCapacity = 64;
constexpr uint32_t kBlocks = 200000;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "sample_ring_test: %s\n", what);
  std::exit(1);
}

void OneThread() {
  static kws::SampleRing<kCapacity> ring;
  int16_t block[kCapacity + 1] = {};
  ring.Write(block, kCapacity + 1);
  Check(ring.lost() == kCapacity + 1 && ring.Read(block, 1) == 0, "more than the ring holds was taken");
  for (size_t i = 0; i < kCapacity; ++i) block[i] = static_cast<int16_t>(i);
  ring.Write(block, kCapacity);
  ring.Write(block, 1);
  Check(ring.lost() == kCapacity + 2, "a full ring took more");
  int16_t out[kCapacity] = {};
  Check(ring.Read(out, 10) == 10 && ring.Read(out + 10, kCapacity) == kCapacity - 10, "a full ring gave less");
  for (size_t i = 0; i < kCapacity; ++i) Check(out[i] == static_cast<int16_t>(i), "the order is wrong");
  ring.Clear();
  Check(ring.lost() == 0 && ring.Read(out, 1) == 0, "Clear() left something");
}

// Blocks of 1 to 7 samples that count up; a block that was dropped leaves a gap of its own length.
void TwoThreads() {
  static kws::SampleRing<kCapacity> ring;
  static bool written[kBlocks];
  static std::atomic<bool> finished{false};
  std::thread writer([] {
    uint16_t next = 0;
    for (uint32_t i = 0; i < kBlocks; ++i) {
      int16_t block[7];
      const size_t count = 1 + i % 7;
      for (size_t k = 0; k < count; ++k) block[k] = static_cast<int16_t>(next++);
      const uint32_t lost = ring.lost();
      ring.Write(block, count);
      Check(ring.lost() == lost || ring.lost() == lost + count, "a part of a block was lost");
      written[i] = ring.lost() == lost;
      if (i % 50 == 0) std::this_thread::yield();
    }
    finished.store(true);
  });
  static int16_t heard[8 * kBlocks];
  size_t count = 0;
  for (;;) {
    const bool last = finished.load();
    const size_t got = ring.Read(heard + count, 13);
    count += got;
    if (got != 0) continue;
    if (last) break;
    std::this_thread::yield();
  }
  writer.join();
  size_t at = 0;
  uint16_t next = 0;
  for (uint32_t i = 0; i < kBlocks; ++i) {
    for (size_t k = 0; k < 1 + i % 7; ++k, ++next) {
      if (!written[i]) continue;
      Check(at < count && heard[at] == static_cast<int16_t>(next), "what was read is not what was written");
      ++at;
    }
  }
  Check(at == count, "more was read than was written");
  Check(count > 100 * kCapacity, "hardly anything went through");
}

}  // namespace

int main() {
  OneThread();
  TwoThreads();
  std::puts("ok");
}
