// Mutations for libFuzzer of inputs that are one byte of options and a stream of frames: most of what they make has a
// right CRC and right stuffing, so that what lies behind both is reached. Knows no message but AUDIO's offset: types
// and payloads come from the corpus, the dictionary and chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kws::fuzz {

// What stands between two delimiters: a frame, or bytes that are none.
struct Chunk {
  bool is_frame = false;
  uint8_t version = 0;
  uint8_t type = 0;
  uint16_t seq = 0;
  std::vector<uint8_t> bytes;  // the payload, or the bytes as they came
};

std::vector<Chunk> Split(const uint8_t* stream, size_t size);
std::vector<uint8_t> Join(const std::vector<Chunk>& chunks);

}  // namespace kws::fuzz
