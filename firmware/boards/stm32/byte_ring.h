// Bytes on their way from an interrupt to the main thread: one writer, one reader, no lock. Private to firmware/boards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cortex_m/access.h"

namespace kws::board {

// `kCapacity` bytes, a power of two. Place it in static memory.
template <uint32_t kCapacity>
class ByteRing {
 public:
  // Appends a byte. False: there is no room, and the byte is dropped. The writer's alone.
  bool Write(uint8_t byte) {
    const uint32_t head = head_;
    if (head - tail_ == kCapacity) return false;
    bytes_[head % kCapacity] = byte;
    MemoryBarrier();  // the byte is there before the index says so
    head_ = head + 1;
    return true;
  }

  // Copies up to `capacity` bytes and returns how many. The reader's alone.
  size_t Read(uint8_t* out, size_t capacity) {
    size_t count = 0;
    uint32_t tail = tail_;
    const uint32_t head = head_;
    MemoryBarrier();  // the bytes are read after the index that says they are there
    while (count < capacity && tail != head) {
      out[count++] = bytes_[tail % kCapacity];
      ++tail;
    }
    MemoryBarrier();  // the bytes are copied before their room is given back
    tail_ = tail;
    return count;
  }

  // Whether there is nothing to be read. The reader's alone.
  bool is_empty() const { return head_ == tail_; }

 private:
  static_assert(kCapacity != 0 && (kCapacity & (kCapacity - 1)) == 0, "positions wrap by masking");
  uint8_t bytes_[kCapacity];
  volatile uint32_t head_ = 0;  // written by the writer; both only grow
  volatile uint32_t tail_ = 0;  // written by the reader
};

}  // namespace kws::board
