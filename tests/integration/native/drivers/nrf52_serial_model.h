// UARTE0 of the nRF52 with timer 1 and the PPI channel between them, as the product specification describes them
// (nRF52840 PS 6.34 UARTE, 6.30 TIMER, 6.16 PPI).
#pragma once

#include <cstdint>
#include <vector>

#include "nrf52/nrf52_registers.h"
#include "register_model.h"

namespace kws::model {

// A byte is counted when it has arrived, and lies in memory some cycles later.
class SerialModel {
 public:
  static constexpr uint32_t kDmaLagCycles = 64;  // 1 us
  static constexpr uint32_t kCyclesPerLook = 8;  // what a turn of a waiting loop takes

  SerialModel() {
    using namespace board;
    Chip& chip = Chip::Get();
    for (const uintptr_t base : {kUarte0, kTimer1, kPpi}) chip.Map(base, 0x1000);
    for (const uintptr_t pselect : {uarte::kPselRts, uarte::kPselTxd, uarte::kPselCts, uarte::kPselRxd}) {
      chip.Set(kUarte0 + pselect, 0xFFFFFFFF);  // disconnected
      chip.OnWrite(kUarte0 + pselect, [this](uint32_t) { CheckDisabled(); });
    }
    chip.OnWrite(kUarte0 + uarte::kBaudrate, [this](uint32_t) { CheckDisabled(); });
    chip.OnWrite(kUarte0 + uarte::kConfig, [this](uint32_t) { CheckDisabled(); });
    chip.OnWrite(kUarte0 + uarte::kEnable, [this](uint32_t value) { enabled_ = value == uarte::kEnableEnabled; });
    chip.OnWrite(kUarte0 + uarte::kIntenSet, [this](uint32_t bits) { inten_ |= bits; });
    chip.OnWrite(kUarte0 + uarte::kIntenClr, [this](uint32_t bits) { inten_ &= ~bits; });
    chip.OnWrite(kUarte0 + uarte::kErrorSrc, [this](uint32_t bits) {
      errors_ &= ~bits;
      Chip::Get().Set(kUarte0 + uarte::kErrorSrc, errors_);
    });
    chip.OnWrite(kUarte0 + uarte::kTasksStartRx, [this](uint32_t) { StartReceiving(); });
    chip.OnWrite(kUarte0 + uarte::kTasksStopRx, [this](uint32_t) { StopReceiving(); });
    chip.OnWrite(kUarte0 + uarte::kTasksFlushRx, [this](uint32_t) { Flush(); });
    chip.OnWrite(kUarte0 + uarte::kTasksStartTx, [this](uint32_t) { StartSending(); });
    chip.OnRead(kUarte0 + uarte::kEventsEndTx, [this] { return After(&looks_until_sent_, uarte::kEventsEndTx); });
    chip.OnRead(kUarte0 + uarte::kEventsEndRx, [this] { return After(&looks_until_flushed_, uarte::kEventsEndRx); });
    chip.OnRead(kUarte0 + uarte::kEventsRxTo, [this] { return After(&looks_until_stopped_, uarte::kEventsRxTo); });
    chip.OnWrite(kTimer1 + timer::kTasksStart, [this](uint32_t) { counts_ = true; });
    chip.OnWrite(kTimer1 + timer::kTasksClear, [this](uint32_t) { counted_ = 0; });
    chip.OnWrite(kTimer1 + timer::kTasksCapture, [this](uint32_t) { Chip::Get().Set(kTimer1 + timer::kCc, counted_); });
    chip.SetLevel(kUarte0Line, [this] { return Interrupts(); });
  }
  SerialModel(const SerialModel&) = delete;
  SerialModel& operator=(const SerialModel&) = delete;

  // The host sends a byte.
  void Arrive(uint8_t byte) {
    using namespace board;
    if (!enabled_) Fail("a byte for a port that is off", 0);
    Count();
    Event(uarte::kEventsRxdRdy);
    if (!receives_) {
      if (fifo_.size() < kFifoBytes) {
        fifo_.push_back(byte);
      } else {
        Error(kOverrun);
      }
    } else {
      Put(byte);
    }
    Chip::Get().Interrupt();
  }

  // At the end of the next flush another byte arrives, before anybody has looked.
  void ArriveBehindTheFlush(uint8_t byte) {
    late_ = true;
    late_byte_ = byte;
  }

  // The line has an error: a byte is counted that DMA does not write.
  void ArriveBroken() {
    Count();
    Event(board::uarte::kEventsRxdRdy);
    Error(kFraming);
    Chip::Get().Interrupt();
  }

  // The core's cycle counter, by which DMA's lag is measured.
  uint32_t Cycles() {
    cycles_ += kCyclesPerLook;
    Settle();
    return cycles_;
  }

  // What the chip sent.
  const std::vector<uint8_t>& sent() const { return sent_; }
  uint32_t inten() const { return inten_; }
  // How many transmissions were under way when another was started.
  uint32_t collisions() const { return collisions_; }

 private:
  static constexpr size_t kFifoBytes = 4;
  static constexpr uint32_t kOverrun = 1u << 0;
  static constexpr uint32_t kFraming = 1u << 2;
  static constexpr uint32_t kLooks = 20;

  struct Written {
    uint8_t* to;
    uint8_t byte;
    uint32_t due;
  };

  static void Event(uintptr_t event) { Chip::Get().Set(board::kUarte0 + event, 1); }
  static uint32_t Word(uintptr_t offset) { return Chip::Get().word(board::kUarte0 + offset); }

  void CheckDisabled() const {
    if (enabled_) Fail("pins, rate and format may be changed only while the port is off", board::kUarte0);
  }

  void Count() {
    using namespace board;
    const Chip& chip = Chip::Get();
    const bool connected = (chip.word(kPpi + ppi::kChenSet) & ppi::kChen0.mask()) != 0 &&
                           chip.word(kPpi + ppi::kChEep) == kUarte0 + uarte::kEventsRxdRdy &&
                           chip.word(kPpi + ppi::kChTep) == kTimer1 + timer::kTasksCount;
    const uint32_t mode = chip.word(kTimer1 + timer::kMode);
    if (!connected || !counts_ || mode != timer::kModeLowPowerCounter) return;
    const bool wide = chip.word(kTimer1 + timer::kBitMode) == timer::kBitMode32;
    counted_ = (counted_ + 1) & (wide ? 0xFFFFFFFF : 0xFFFF);
  }

  void Write(uint8_t byte) {
    waiting_.push_back({to_ + amount_, byte, cycles_ + kDmaLagCycles});
    ++amount_;
  }

  void Put(uint8_t byte) {
    using namespace board;
    Write(byte);
    if (amount_ < most_) return;
    receives_ = false;
    Event(uarte::kEventsEndRx);
    if ((Word(uarte::kShorts) & uarte::kShortsEndRxStartRx.mask()) != 0) StartReceiving();
  }

  void Settle() {
    size_t done = 0;
    while (done < waiting_.size() && waiting_[done].due <= cycles_) {
      *waiting_[done].to = waiting_[done].byte;
      ++done;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
  }

  void StartReceiving() {
    using namespace board;
    if (!enabled_) Fail("a receiver that is off was started", kUarte0);
    if (looks_until_stopped_ != 0 || looks_until_flushed_ != 0) {
      Fail("the receiver was started before it had stopped", kUarte0);
    }
    if (receives_) Fail("the receiver was started twice", kUarte0);
    to_ = Chip::Get().Memory<uint8_t>(Word(uarte::kRxdPtr));
    most_ = uarte::kMaxcnt.Of(Word(uarte::kRxdMaxcnt));
    if (most_ == 0) Fail("DMA of no bytes", kUarte0);
    amount_ = 0;
    receives_ = true;
    Event(uarte::kEventsRxStarted);
    if (fifo_.size() >= most_) Fail("less room than what waits already", kUarte0);
    for (const uint8_t byte : fifo_) Write(byte);
    fifo_.clear();
  }

  void StopReceiving() {
    using namespace board;
    receives_ = false;
    Event(uarte::kEventsEndRx);
    if ((Word(uarte::kShorts) & uarte::kShortsEndRxStartRx.mask()) != 0) return StartReceiving();
    looks_until_stopped_ = kLooks;
    for (uint8_t i = 0; i < 2; ++i) {  // bytes that arrive before it has stopped
      fifo_.push_back(0xAA);
      Count();
    }
  }

  void Flush() {
    if (looks_until_stopped_ != 0 || receives_) Fail("flushed before the receiver had stopped", board::kUarte0);
    (void)Chip::Get().Memory<uint8_t>(Word(board::uarte::kRxdPtr));
    fifo_.clear();
    looks_until_flushed_ = kLooks;
  }

  void StartSending() {
    using namespace board;
    if (!enabled_) Fail("a transmitter that is off was started", kUarte0);
    if (looks_until_sent_ != 0) ++collisions_;
    const auto* from = Chip::Get().Memory<uint8_t>(Word(uarte::kTxdPtr));
    sent_.insert(sent_.end(), from, from + uarte::kMaxcnt.Of(Word(uarte::kTxdMaxcnt)));
    looks_until_sent_ = kLooks;
  }

  // An event that comes after some looks at it.
  uint32_t After(uint32_t* looks, uintptr_t event) {
    if (*looks == 1) {
      Event(event);
      if (looks == &looks_until_flushed_ && late_) {
        late_ = false;
        Arrive(late_byte_);
      }
    }
    if (*looks != 0) --*looks;
    return Word(event);
  }

  void Error(uint32_t source) {
    errors_ |= source;
    Chip::Get().Set(board::kUarte0 + board::uarte::kErrorSrc, errors_);
    Event(board::uarte::kEventsError);
  }

  bool Interrupts() const {
    using namespace board;
    return ((inten_ & uarte::kIntRxdRdy.mask()) != 0 && Word(uarte::kEventsRxdRdy) != 0) ||
           ((inten_ & uarte::kIntError.mask()) != 0 && Word(uarte::kEventsError) != 0) ||
           ((inten_ & uarte::kIntRxStarted.mask()) != 0 && Word(uarte::kEventsRxStarted) != 0);
  }

  bool enabled_ = false;
  bool receives_ = false;
  bool counts_ = false;
  bool late_ = false;
  uint8_t late_byte_ = 0;
  uint32_t inten_ = 0;
  uint32_t errors_ = 0;
  uint32_t counted_ = 0;
  uint32_t cycles_ = 0;
  uint32_t looks_until_sent_ = 0;
  uint32_t looks_until_stopped_ = 0;
  uint32_t looks_until_flushed_ = 0;
  uint32_t collisions_ = 0;
  uint8_t* to_ = nullptr;
  uint32_t amount_ = 0;
  uint32_t most_ = 0;
  std::vector<uint8_t> fifo_;
  std::vector<Written> waiting_;
  std::vector<uint8_t> sent_;
};

}  // namespace kws::model
