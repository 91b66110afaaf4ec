#include "nrf52/sample_blocks.h"

#include "cortex_m/access.h"
#include "kws/microphone.h"
#include "kws/sample_ring.h"

namespace kws::board::microphone {
namespace {

constexpr size_t kRingSamples = 1024;    // 64 ms, while a step is computed
constexpr uint32_t kSettlingBlocks = 5;  // microphone and filter need some time after their start

SampleRing<kRingSamples> g_ring;
int16_t g_blocks[2][kBlockSamples];
uint32_t g_told;      // the block that DMA was told last
uint32_t g_full;      // the block that is full next
uint32_t g_settling;  // blocks that are still thrown away

}  // namespace

uint32_t StartBlocks() {
  g_told = 0;
  g_full = 0;
  g_settling = kSettlingBlocks;
  return DmaAddress(g_blocks[g_told]);
}

uint32_t NextBlock() {
  g_told = 1 - g_told;
  return DmaAddress(g_blocks[g_told]);
}

int16_t* FullBlock() {
  MemoryBarrier();  // what DMA wrote is read from here on
  int16_t* block = g_blocks[g_full];
  g_full = 1 - g_full;
  return block;
}

void KeepBlock(const int16_t* block) {
  if (g_settling != 0) {
    --g_settling;
  } else {
    g_ring.Write(block, kBlockSamples);
  }
}

void ForgetBlocks() { g_ring.Clear(); }

size_t Read(int16_t* out, size_t capacity) { return g_ring.Read(out, capacity); }

bool HasSamples() { return !g_ring.is_empty(); }

uint32_t LostSamples() { return g_ring.lost(); }

}  // namespace kws::board::microphone
