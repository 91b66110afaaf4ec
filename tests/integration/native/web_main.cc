// What the page's module exports, as a program of this machine: the native side of tests/tools/measure_web.py.
//
//   web_main < PCM    prints the nanoseconds of a step in the fastest of some rounds; PCM is int16, at most a minute
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>

extern "C" {
uint32_t kws_init();
void kws_reset();
int16_t* kws_pcm();
uint32_t kws_pcm_capacity();
uint32_t kws_push(uint32_t samples);
void kws_on_step(const void* record);
}

namespace {

constexpr int kRounds = 5;

int16_t g_words[60 * 16000];
uint32_t g_steps;

// Nanoseconds of a step, or 0 when the engine fails or there is none.
double Round(size_t samples) {
  kws_reset();
  g_steps = 0;
  const auto start = std::chrono::steady_clock::now();
  for (size_t at = 0; at < samples; at += kws_pcm_capacity()) {
    const size_t piece = std::min<size_t>(kws_pcm_capacity(), samples - at);
    std::copy_n(g_words + at, piece, kws_pcm());
    if (kws_push(static_cast<uint32_t>(piece)) != 0) return 0;
  }
  const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - start;
  return g_steps == 0 ? 0 : static_cast<double>(spent.count()) / g_steps;
}

}  // namespace

void kws_on_step(const void* /*record*/) { ++g_steps; }

int main() {
  const size_t samples = std::fread(g_words, sizeof(g_words[0]), sizeof(g_words) / sizeof(g_words[0]), stdin);
  if (kws_init() != 0) return 2;
  double best = Round(samples);
  for (int round = 1; round < kRounds; ++round) best = std::min(best, Round(samples));
  std::printf("%.0f\n", best);
  return best > 0 ? 0 : 1;
}
