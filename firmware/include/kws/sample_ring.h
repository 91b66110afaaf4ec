// PCM on its way from an interrupt to the main thread: one writer, one reader, no lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kws {

// `kCapacity` samples, a power of two. Place it in static memory.
template <size_t kCapacity>
class SampleRing {
 public:
  // Appends a block. One that does not fit is dropped whole and counted, so that what remains is without a gap up to
  // there. The writer's alone.
  void Write(const int16_t* samples, size_t count) {
    const uint32_t written = written_.load(std::memory_order_relaxed);
    if (count > kCapacity - (written - read_.load(std::memory_order_acquire))) {
      lost_.store(lost_.load(std::memory_order_relaxed) + static_cast<uint32_t>(count), std::memory_order_relaxed);
      return;
    }
    for (size_t i = 0; i < count; ++i) ring_[(written + i) % kCapacity] = samples[i];
    written_.store(written + static_cast<uint32_t>(count), std::memory_order_release);
  }

  // Copies up to `capacity` samples and returns how many. The reader's alone.
  size_t Read(int16_t* out, size_t capacity) {
    const uint32_t read = read_.load(std::memory_order_relaxed);
    const size_t available = written_.load(std::memory_order_acquire) - read;
    const size_t count = available < capacity ? available : capacity;
    for (size_t i = 0; i < count; ++i) out[i] = ring_[(read + i) % kCapacity];
    read_.store(read + static_cast<uint32_t>(count), std::memory_order_release);
    return count;
  }

  // Whether there is nothing to be read. The reader's alone.
  bool is_empty() const { return written_.load(std::memory_order_acquire) == read_.load(std::memory_order_relaxed); }

  // Samples that were dropped since Clear().
  uint32_t lost() const { return lost_.load(std::memory_order_relaxed); }

  // Forgets everything. Only while nobody writes.
  void Clear() {
    written_.store(0, std::memory_order_relaxed);
    read_.store(0, std::memory_order_relaxed);
    lost_.store(0, std::memory_order_relaxed);
  }

 private:
  static_assert(kCapacity != 0 && (kCapacity & (kCapacity - 1)) == 0, "positions wrap by masking");
  static_assert(std::atomic<uint32_t>::is_always_lock_free, "an interrupt must not wait for a lock");
  int16_t ring_[kCapacity];
  std::atomic<uint32_t> written_{0};
  std::atomic<uint32_t> read_{0};
  std::atomic<uint32_t> lost_{0};
};

}  // namespace kws
