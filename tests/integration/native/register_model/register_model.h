// A chip's registers for tests of drivers on the development machine: words that remember what was written, a log of
// all accesses, what the hardware does on its own as functions, the interrupt controller, and sleep.
//
// Drivers see register_reference.h only. What a peripheral does is the test's to say (OnWrite, OnRead, Set), as the
// reference manual describes it. Whatever no chip would forgive ends the test: an address that nobody mapped, a handler
// that leaves its cause standing, sleep without end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <vector>

#include "register_reference.h"

namespace kws::model {

// One access of the driver to a register.
struct Access {
  bool is_write;
  uintptr_t address;
  uint32_t value;  // written, or read
};

[[noreturn]] inline void Fail(const char* what, uintptr_t address) {
  std::fprintf(stderr, "register model: %s (0x%08lx)\n", what, static_cast<unsigned long>(address));
  std::exit(1);
}

inline void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

// There is one.
class Chip {
 public:
  using Written = std::function<void(uint32_t value)>;
  using Read = std::function<uint32_t()>;
  using Level = std::function<bool()>;

  static Chip& Get() {
    static Chip chip;
    return chip;
  }

  // As after power-on: nothing is mapped but the core's own registers, no register has a meaning, the log is empty.
  void Reset() {
    *this = Chip();
    Map(kNvic, 0x1000);
    Map(kTrace, 0x1000);
  }

  // Allows accesses to a peripheral's registers, which are all 0.
  void Map(uintptr_t base, size_t bytes) { mapped_[base] = bytes; }

  // Memory that is no register: asked for each word that is read, and told each that is written. Not logged.
  void MapMemory(uintptr_t base, size_t bytes, std::function<uint32_t(uintptr_t)> read,
                 std::function<void(uintptr_t, uint32_t)> written) {
    Map(base, bytes);
    memories_[base] = {bytes, std::move(read), std::move(written)};
  }

  // What the hardware does when the driver writes a register (after the word was stored), or has to say when it reads
  // one.
  void OnWrite(uintptr_t address, Written written) { written_[address] = std::move(written); }
  void OnRead(uintptr_t address, Read read) { read_[address] = std::move(read); }

  // The hardware's own view of a register: neither logged nor answered by the functions above.
  uint32_t word(uintptr_t address) const {
    const auto found = words_.find(address);
    return found == words_.end() ? 0 : found->second;
  }
  void Set(uintptr_t address, uint32_t value) { words_[address] = value; }

  // The driver's accesses.
  void Store(uintptr_t address, uint32_t value) {
    CheckMapped(address);
    if (const MappedMemory* memory = MemoryAt(address); memory != nullptr) return memory->written(address, value);
    log_.push_back({true, address, value});
    if (!StoreToInterruptController(address, value)) {
      words_[address] = value;
      if (const auto found = written_.find(address); found != written_.end()) found->second(value);
    }
    Interrupt();
  }
  uint32_t Load(uintptr_t address) {
    CheckMapped(address);
    if (const MappedMemory* memory = MemoryAt(address); memory != nullptr) return memory->read(address);
    const auto found = read_.find(address);
    const uint32_t value = found != read_.end() ? found->second() : word(address);
    log_.push_back({false, address, value});
    Interrupt();
    return value;
  }

  // Interrupts. A line with a level is pending as long as it is true; others by Raise(), until the handler is entered.
  void SetHandler(uint32_t line, void (*handler)()) { lines_[line].handler = handler; }
  void SetLevel(uint32_t line, Level level) { lines_[line].level = std::move(level); }
  void Raise(uint32_t line) {
    lines_[line].pending = true;
    Interrupt();
  }
  bool IsEnabled(uint32_t line) { return lines_[line].enabled; }
  uint32_t interrupts() const { return interrupts_; }
  void SetMasked(bool masked) {
    masked_ = masked;
    Interrupt();
  }

  // Enters the handlers of enabled lines that are pending, unless interrupts are masked or a handler runs.
  void Interrupt() {
    if (masked_ || in_handler_) return;
    for (uint32_t rounds = 0;; ++rounds) {
      Line* line = Pending();
      if (line == nullptr) return;
      if (rounds == kMostInterruptsAtOnce) Fail("a handler leaves the cause of its interrupt standing", 0);
      if (line->handler == nullptr) Fail("an interrupt that has no handler", 0);
      line->pending = false;
      in_handler_ = true;
      ++interrupts_;
      line->handler();
      in_handler_ = false;
    }
  }

  // What happens while the core sleeps. It must make an interrupt pending.
  void OnSleep(std::function<void()> asleep) { asleep_ = std::move(asleep); }
  void Sleep() {
    ++sleeps_;
    if (Pending() == nullptr && asleep_) asleep_();
    if (Pending() == nullptr) Fail("the core sleeps, and nothing will wake it", 0);
    Interrupt();
  }
  uint32_t sleeps() const { return sleeps_; }

  // Memory as DMA sees it: the driver's address of 32 bits, and back.
  uint32_t AddressOf(const volatile void* memory) {
    const auto full = reinterpret_cast<uintptr_t>(memory);
    memory_[static_cast<uint32_t>(full)] = full;
    return static_cast<uint32_t>(full);
  }
  template <typename T>
  T* Memory(uint32_t address) const {
    auto found = memory_.upper_bound(address);
    if (found == memory_.begin()) Fail("DMA to memory that no driver named", address);
    --found;
    return reinterpret_cast<T*>(found->second + (address - found->first));
  }

  // The log.
  const std::vector<Access>& log() const { return log_; }
  void ClearLog() { log_.clear(); }

  // How often a register was written since `from`, and where in the log a value was written first; the log's size:
  // never.
  size_t Writes(uintptr_t address, size_t from = 0) const {
    size_t count = 0;
    for (size_t i = from; i < log_.size(); ++i) count += IsWrite(log_[i], address) ? 1 : 0;
    return count;
  }
  size_t FirstWrite(uintptr_t address, uint32_t value, size_t from = 0) const {
    for (size_t i = from; i < log_.size(); ++i) {
      if (IsWrite(log_[i], address) && log_[i].value == value) return i;
    }
    return log_.size();
  }

 private:
  static constexpr uintptr_t kNvic = 0xE000E000;
  static constexpr uintptr_t kTrace = 0xE0001000;
  static constexpr uintptr_t kSetEnable = 0xE000E100;
  static constexpr uintptr_t kClearEnable = 0xE000E180;
  static constexpr uintptr_t kClearPending = 0xE000E280;
  static constexpr uintptr_t kBytesOfEach = 0x20;
  static constexpr uint32_t kMostInterruptsAtOnce = 1000;

  struct Line {
    bool enabled = false;
    bool pending = false;
    Level level;
    void (*handler)() = nullptr;
  };

  struct MappedMemory {
    size_t bytes = 0;
    std::function<uint32_t(uintptr_t)> read;
    std::function<void(uintptr_t, uint32_t)> written;
  };

  const MappedMemory* MemoryAt(uintptr_t address) const {
    auto found = memories_.upper_bound(address);
    if (found == memories_.begin()) return nullptr;
    --found;
    return address - found->first < found->second.bytes ? &found->second : nullptr;
  }

  static bool IsWrite(const Access& access, uintptr_t address) { return access.is_write && access.address == address; }

  void CheckMapped(uintptr_t address) const {
    if (address % 4 != 0) Fail("an address that is not a word's", address);
    auto found = mapped_.upper_bound(address);
    if (found == mapped_.begin()) Fail("an access to nothing", address);
    --found;
    if (address - found->first >= found->second) Fail("an access to nothing", address);
  }

  bool StoreToInterruptController(uintptr_t address, uint32_t value) {
    for (const uintptr_t base : {kSetEnable, kClearEnable, kClearPending}) {
      if (address < base || address >= base + kBytesOfEach) continue;
      for (uint32_t bit = 0; bit < 32; ++bit) {
        if ((value >> bit & 1) == 0) continue;
        Line& line = lines_[static_cast<uint32_t>((address - base) * 8 + bit)];
        if (base == kClearPending) {
          line.pending = false;
        } else {
          line.enabled = base == kSetEnable;
        }
      }
      return true;
    }
    return false;
  }

  Line* Pending() {
    for (auto& [number, line] : lines_) {
      if (line.enabled && (line.pending || (line.level && line.level()))) return &line;
    }
    return nullptr;
  }

  std::map<uintptr_t, size_t> mapped_;
  std::map<uintptr_t, uint32_t> words_;
  std::map<uintptr_t, MappedMemory> memories_;
  std::map<uintptr_t, Written> written_;
  std::map<uintptr_t, Read> read_;
  std::map<uint32_t, Line> lines_;
  std::map<uint32_t, uintptr_t> memory_;
  std::vector<Access> log_;
  std::function<void()> asleep_;
  bool masked_ = false;
  bool in_handler_ = false;
  uint32_t interrupts_ = 0;
  uint32_t sleeps_ = 0;
};

}  // namespace kws::model
