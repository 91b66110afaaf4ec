// Kept settings in the last page of the nRF52's flash: their size, and their bytes. The page is erased and written anew
// each time, the size last, so that a power cut in between leaves none and not half of them. A page takes 85 ms, in
// which the core stands still: a microphone that was heard meanwhile would lose samples, and count none, so that the
// application saves nothing then.
#include "kws/settings.h"

#include <cstring>

#include "board_config.h"
#include "cortex_m/access.h"
#include "nrf52/nrf52.h"
#include "nrf52/nrf52_registers.h"

namespace kws::board {
namespace {

constexpr uint32_t kWordBytes = 4;
constexpr uintptr_t kBytes = kSettingsPage + kWordBytes;
constexpr uint32_t kMostBytes = kPageBytes - kWordBytes;

// A page takes 85 ms, in which code that runs from the cache looks up to 700,000 times.
constexpr uint32_t kMostLooksAtFlash = 2000000;

bool WaitUntilReady() {
  for (uint32_t look = 0; look < kMostLooksAtFlash; ++look) {
    if (nvmc::kReadyReady.Of(Register(kNvmc + nvmc::kReady)) != 0) return true;
  }
  return false;
}

void Allow(uint32_t what) {
  Register(kNvmc + nvmc::kConfig) = nvmc::kConfigWen(what);
  SynchronizationBarrier();
}

// Bits of flash only become 0: `word` as it is in an erased page.
bool Write(uintptr_t address, uint32_t word) {
  Register(address) = word;
  return WaitUntilReady();
}

// The word of `data` from byte `at` on, ones behind its end.
uint32_t WordOf(const uint8_t* data, size_t size, size_t at) {
  uint32_t word = UINT32_MAX;
  std::memcpy(&word, data + at, size - at < kWordBytes ? size - at : kWordBytes);
  return word;
}

bool Erase() {
  Allow(nvmc::kConfigWenErase);
  Register(kNvmc + nvmc::kErasePage) = static_cast<uint32_t>(kSettingsPage);
  return WaitUntilReady();
}

bool WriteAll(const uint8_t* data, size_t size) {
  Allow(nvmc::kConfigWenWrite);
  for (size_t at = 0; at < size; at += kWordBytes) {
    if (!Write(kBytes + at, WordOf(data, size, at))) return false;
  }
  return Write(kSettingsPage, static_cast<uint32_t>(size));
}

}  // namespace

size_t LoadSettings(uint8_t* out, size_t capacity_bytes) {
  const uint32_t size = Register(kSettingsPage);
  if (size > capacity_bytes || size > kMostBytes) return 0;  // also in an erased page
  for (uint32_t at = 0; at < size; at += kWordBytes) {
    const uint32_t word = Register(kBytes + at);
    std::memcpy(out + at, &word, size - at < kWordBytes ? size - at : kWordBytes);
  }
  return size;
}

Status SaveSettings(const uint8_t* data, size_t size) {
  if (size > kMostBytes) return Status::kOutOfRange;
  const bool done = Erase() && (size == 0 || WriteAll(data, size));
  Allow(nvmc::kConfigWenRead);
  if (!done) return Status::kDataLoss;
  if (Register(kSettingsPage) != (size != 0 ? size : UINT32_MAX)) return Status::kDataLoss;
  for (size_t at = 0; at < size; at += kWordBytes) {
    if (Register(kBytes + at) != WordOf(data, size, at)) return Status::kDataLoss;
  }
  return Status::kOk;
}

}  // namespace kws::board
