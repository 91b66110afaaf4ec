// What the page's module exports, as a program of this machine: the native side of tests/tools/measure_web.py.
//
//   web_main PCM ROUNDS    prints the nanoseconds of a step in the fastest of some rounds through a file of int16 PCM
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" {
uint32_t kws_init();
void kws_reset();
int16_t* kws_pcm();
uint32_t kws_pcm_capacity();
uint32_t kws_push(uint32_t samples);
void kws_on_step(const void* record);
}

namespace {

uint32_t g_steps;

// Nanoseconds of a step, or a negative number.
double Round(std::FILE* file) {
  std::rewind(file);
  kws_reset();
  g_steps = 0;
  std::chrono::nanoseconds spent{};
  while (const size_t samples = std::fread(kws_pcm(), sizeof(int16_t), kws_pcm_capacity(), file)) {
    const auto start = std::chrono::steady_clock::now();
    if (kws_push(static_cast<uint32_t>(samples)) != 0) return -1;
    spent += std::chrono::steady_clock::now() - start;
  }
  return g_steps == 0 ? -1 : static_cast<double>(spent.count()) / g_steps;
}

}  // namespace

void kws_on_step(const void* /*record*/) { ++g_steps; }

int main(int argc, char** argv) {
  std::FILE* file = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
  if (file == nullptr || kws_init() != 0) return 2;
  double best = -1;
  for (int round = std::atoi(argv[2]); round > 0; --round) {
    const double took = Round(file);
    if (took > 0 && (best < 0 || took < best)) best = took;
  }
  std::printf("%.0f\n", best);
  return best > 0 ? 0 : 1;
}
