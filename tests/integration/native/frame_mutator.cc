#include "frame_mutator.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "kws/cobs.h"
#include "kws/crc32.h"
#include "kws/frame.h"
#include "kws/protocol.h"

// libFuzzer's own mutations: bits, bytes, dictionary, what comparisons asked for. Returns the new size.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace kws::fuzz {
namespace {

using Random = std::minstd_rand;

constexpr size_t kMostPayloadBytes = kMaxPayloadBytes + 16;  // somewhat more than fits

bool OneIn(Random& random, uint32_t n) { return random() % n == 0; }

Chunk ReadChunk(const uint8_t* data, size_t size) {
  static FrameDecoderBuffer<kMaxFrameBytes> decoder;
  decoder.Push(0);
  for (size_t i = 0; i < size; ++i) decoder.Push(data[i]);
  if (decoder.Push(0) != FrameEvent::kFrame) return {false, 0, 0, 0, {data, data + size}};
  const Frame& frame = decoder.frame();
  return {true, frame.version, frame.type, frame.seq, {frame.payload, frame.payload + frame.payload_bytes}};
}

void Put(std::vector<uint8_t>& out, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void MutateBytes(std::vector<uint8_t>& bytes, size_t most) {
  const size_t size = bytes.size();
  bytes.resize(std::max(most, size));
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, bytes.size()));
}

// Types of requests are small numbers.
uint8_t AnyType(Random& random) { return static_cast<uint8_t>(OneIn(random, 16) ? random() : random() % 32); }

Chunk AnyFrame(Random& random) {
  Chunk frame{true, kProtocolVersion, AnyType(random), static_cast<uint16_t>(random()), {}};
  const bool is_long = OneIn(random, 8);
  frame.bytes.resize(random() % (is_long ? kMostPayloadBytes : 9));
  for (uint8_t& byte : frame.bytes) byte = static_cast<uint8_t>(OneIn(random, 2) ? random() % 4 : random());
  return frame;
}

void MutateChunk(Random& random, Chunk& chunk) {
  if (!chunk.is_frame) return MutateBytes(chunk.bytes, kMostPayloadBytes);
  switch (random() % 12) {
    case 0:
      chunk.type = AnyType(random);
      break;
    case 1:
      chunk.seq = static_cast<uint16_t>(OneIn(random, 2) ? random() : chunk.seq + 1);
      break;
    case 2:
      if (OneIn(random, 4)) chunk.version = static_cast<uint8_t>(random());
      break;
    case 3:
      chunk.bytes.resize(random() % (chunk.bytes.size() + 1));
      break;
    case 4:
      chunk.bytes.resize(std::min(kMostPayloadBytes, chunk.bytes.size() + 1 + random() % 640));
      break;
    default:
      MutateBytes(chunk.bytes, kMostPayloadBytes);
      break;
  }
}

void MutateChunks(Random& random, std::vector<Chunk>& chunks) {
  if (chunks.empty()) return chunks.push_back(AnyFrame(random));
  const auto at = chunks.begin() + static_cast<ptrdiff_t>(random() % chunks.size());
  switch (random() % 10) {
    case 0:
      chunks.erase(at);
      break;
    case 1:
      chunks.insert(at, 1 + random() % 4, *at);
      break;
    case 2:
      std::swap(*at, chunks[random() % chunks.size()]);
      break;
    case 3:
    case 4:
      chunks.insert(at, AnyFrame(random));
      break;
    default:
      MutateChunk(random, *at);
      break;
  }
}

// Lets each AUDIO start where the one before it ended: else nearly all that follow a mutated one are gaps.
void JoinAudio(Random& random, std::vector<Chunk>& chunks) {
  uint32_t offset = 0;
  for (Chunk& chunk : chunks) {
    if (!chunk.is_frame) continue;
    if (chunk.type != static_cast<uint8_t>(MessageType::kAudio)) {
      if (chunk.type == static_cast<uint8_t>(MessageType::kReset)) offset = 0;
      continue;
    }
    chunk.bytes.resize(std::max(size_t{4}, chunk.bytes.size() / 2 * 2));
    if (OneIn(random, 8)) continue;
    for (size_t i = 0; i < 4; ++i) chunk.bytes[i] = static_cast<uint8_t>(offset >> (8 * i));
    offset += static_cast<uint32_t>(chunk.bytes.size() - 4);
  }
}

// Writes options and chunks; those that do not fit are left out.
size_t Store(uint8_t options, std::vector<Chunk> chunks, uint8_t* data, size_t max_size) {
  std::vector<uint8_t> stream = Join(chunks);
  while (stream.size() + 1 > max_size) {
    chunks.pop_back();
    stream = Join(chunks);
  }
  data[0] = options;
  if (!stream.empty()) std::memcpy(data + 1, stream.data(), stream.size());
  return stream.size() + 1;
}

}  // namespace

std::vector<Chunk> Split(const uint8_t* stream, size_t size) {
  std::vector<Chunk> chunks;
  for (size_t start = 0; start < size;) {
    const uint8_t* const end = std::find(stream + start, stream + size, uint8_t{0});
    const auto length = static_cast<size_t>(end - (stream + start));
    if (length != 0) chunks.push_back(ReadChunk(stream + start, length));
    start += length + 1;
  }
  return chunks;
}

std::vector<uint8_t> Join(const std::vector<Chunk>& chunks) {
  std::vector<uint8_t> out;
  for (const Chunk& chunk : chunks) {
    std::vector<uint8_t> stuffed = chunk.bytes;
    if (chunk.is_frame) {
      std::vector<uint8_t> body{chunk.version, chunk.type};
      Put(body, chunk.seq, 2);
      body.insert(body.end(), chunk.bytes.begin(), chunk.bytes.end());
      Put(body, Crc32(body.data(), body.size()), 4);
      stuffed.resize(CobsMaxEncodedBytes(body.size()));
      CobsEncoder encoder(stuffed.data(), stuffed.size());
      for (const uint8_t byte : body) encoder.Push(byte);
      size_t length = 0;
      (void)encoder.Finish(&length);  // it has room
      stuffed.resize(length);
    }
    out.insert(out.end(), stuffed.begin(), stuffed.end());
    out.push_back(0);
  }
  return out;
}

}  // namespace kws::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  using namespace kws::fuzz;
  Random random(seed);
  if (size < 2 || OneIn(random, 8)) return LLVMFuzzerMutate(data, size, max_size);  // the wire's bytes as they come
  std::vector<Chunk> chunks = Split(data + 1, size - 1);
  const auto options = static_cast<uint8_t>(OneIn(random, 16) ? random() : data[0]);
  for (uint32_t edits = 1 + random() % 3; edits > 0; --edits) MutateChunks(random, chunks);
  if (!OneIn(random, 4)) JoinAudio(random, chunks);
  return Store(options, std::move(chunks), data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size, unsigned int seed) {
  using namespace kws::fuzz;
  if (one_size < 2 || other_size < 2) return 0;
  Random random(seed);
  std::vector<Chunk> chunks = Split(one + 1, one_size - 1);
  const std::vector<Chunk> more = Split(other + 1, other_size - 1);
  chunks.resize(random() % (chunks.size() + 1));
  chunks.insert(chunks.end(), more.begin() + static_cast<ptrdiff_t>(random() % (more.size() + 1)), more.end());
  JoinAudio(random, chunks);
  return Store(one[0], std::move(chunks), out, max_size);
}
