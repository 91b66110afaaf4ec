// Reads int16 PCM from stdin, pushes it in chunks of argv[1] samples, writes the int8 frames to stdout. For sanitizers.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "kws/frontend.h"

int main(int argc, char** argv) {
  const size_t chunk_samples = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
  if (chunk_samples == 0) {
    std::fprintf(stderr, "usage: frontend_runner CHUNK_SAMPLES < pcm > features\n");
    return 2;
  }
  // Exactly as large as needed, so that AddressSanitizer sees one sample or one feature too many.
  const std::unique_ptr<int16_t[]> pcm(new int16_t[chunk_samples]);
  const std::unique_ptr<int8_t[]> features(new int8_t[kws::Frontend::kFeatureCount]);
  const std::unique_ptr<kws::Frontend> frontend(new kws::Frontend);
  for (;;) {
    const size_t count = std::fread(pcm.get(), sizeof(int16_t), chunk_samples, stdin);
    if (count == 0) return 0;
    for (size_t used = 0; used < count;) {
      bool ready;
      used += frontend->Push(pcm.get() + used, count - used, features.get(), &ready);
      if (ready) std::fwrite(features.get(), 1, kws::Frontend::kFeatureCount, stdout);
    }
  }
}
