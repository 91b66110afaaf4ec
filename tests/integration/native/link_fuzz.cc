// Fuzzes the link's receiving side. With libFuzzer (-DKWS_LIBFUZZER) or as a seeded loop: link_fuzz SEED ITERATIONS
// CORPUS. Whatever the bytes were, a good frame behind a delimiter must be understood.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "kws/frame.h"
#include "kws/link.h"
#include "kws/payload_reader.h"

namespace {

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "link_fuzz: %s\n", what);
  std::abort();
}

void Discard(const uint8_t*, size_t) {}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kws::Link link(&Discard);
  uint32_t sum = 0;
  for (size_t i = 0; i < size; ++i) {
    const kws::Frame* frame = link.Receive(data[i]);
    if (frame == nullptr) continue;
    Check(frame->payload_bytes <= kws::kMaxPayloadBytes, "a payload above the limit came through");
    for (size_t k = 0; k < frame->payload_bytes; ++k) sum += frame->payload[k];
    kws::PayloadReader reader(frame->payload, frame->payload_bytes);
    while (reader.ok()) sum += reader.U32();
  }
  Check(sum != 0 || size < (1u << 30), "unreachable, but it keeps the reads");
  uint8_t wire[kws::kMaxWireBytes];
  kws::FrameWriter writer(wire, sizeof(wire));
  writer.Begin(0x01, 0xA55A);
  writer.Bytes("good", 4);
  Check(kws::IsOk(writer.Finish()), "a small frame does not fit");
  const kws::Frame* last = nullptr;
  for (size_t i = 0; i < writer.size(); ++i) {
    const kws::Frame* frame = link.Receive(writer.data()[i]);
    if (frame != nullptr) last = frame;
  }
  Check(
      last != nullptr && last->seq == 0xA55A && last->payload_bytes == 4 && std::memcmp(last->payload, "good", 4) == 0,
      "the good frame after hostile bytes was lost");
  return 0;
}

#ifndef KWS_LIBFUZZER
int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: link_fuzz SEED ITERATIONS CORPUS\n");
    return 2;
  }
  std::ifstream file(argv[3], std::ios::binary);
  const std::vector<uint8_t> corpus{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Check(!corpus.empty(), "the corpus is empty");
  std::mt19937 random(static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10)));
  const size_t iterations = std::strtoul(argv[2], nullptr, 10);
  for (size_t i = 0; i < iterations; ++i) {
    // A slice of valid traffic with a few random edits: most frames stay valid, so that the paths behind the CRC run
    // too.
    const size_t start = random() % corpus.size();
    const size_t size = random() % 3000;
    std::vector<uint8_t> data(corpus.begin() + static_cast<ptrdiff_t>(start),
                              corpus.begin() + static_cast<ptrdiff_t>(std::min(start + size, corpus.size())));
    for (size_t edits = random() % 6; edits > 0 && !data.empty(); --edits) {
      const size_t at = random() % data.size();
      switch (random() % 4) {
        case 0:
          data[at] = static_cast<uint8_t>(random());
          break;
        case 1:
          data[at] ^= static_cast<uint8_t>(1u << (random() % 8));
          break;
        case 2:
          data.erase(data.begin() + static_cast<ptrdiff_t>(at));
          break;
        default:
          data.insert(data.begin() + static_cast<ptrdiff_t>(at), random() % 5, static_cast<uint8_t>(random()));
          break;
      }
    }
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  std::printf("%zu inputs\n", iterations);
  return 0;
}
#endif
