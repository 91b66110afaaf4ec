// The serial port of the STM32 boards on a model of a USART: RM0090 30.3 (F4: reading the status and then the data
// clears an overrun), RM0351 40.5 (L4: a register of its own does).
#include "stm32/serial.h"

#include <cstdio>
#include <memory>
#include <vector>

#include "board_config.h"
#include "cases.h"
#include "kws/board.h"
#include "register_model.h"
#include "stm32_model.h"

namespace {

using kws::board::Field;
using kws::board::kRcc;
using kws::board::kSerialInterruptLine;
using kws::board::kSerialUsart;
using kws::model::Check;
using kws::model::Chip;
using kws::model::Fail;
namespace rcc = kws::board::rcc;
namespace usart = kws::board::usart;

constexpr uintptr_t kStatus = kSerialUsart + usart::kStatus;
constexpr uintptr_t kControl = kSerialUsart + usart::kCr1;
// The F4's one data register, whose reading clears an overrun; the L4 has two, and a register that clears (ICR).
constexpr bool kOverrunIsClearedByReading = usart::kReceived == usart::kSent;
constexpr uintptr_t kClear = kSerialUsart + 0x20;
constexpr uint32_t kBusHz = kws::board::kSerialBusHz;

bool IsSet(uintptr_t address, Field field) { return (Chip::Get().word(address) & field.mask()) != 0; }
void SetBit(uintptr_t address, Field field) { Chip::Get().Set(address, Chip::Get().word(address) | field.mask()); }
void ClearBit(uintptr_t address, Field field) { Chip::Get().Set(address, Chip::Get().word(address) & ~field.mask()); }

class Usart {
 public:
  Usart() {
    Chip& chip = Chip::Get();
    chip.Map(kRcc, 0x400);
    chip.Map(kSerialUsart, 0x400);
    chip.Map(kws::board::kSerialSends.port, 0x400);
    chip.OnRead(kStatus, [this] {
      status_was_read_ = true;
      if (sending_ != 0) {
        --sending_;
        if (sending_ == 0) SetBit(kStatus, usart::kTxe);
      } else if (last_bits_ != 0) {
        --last_bits_;
        if (last_bits_ == 0) SetBit(kStatus, usart::kTc);
      }
      return Chip::Get().word(kStatus);
    });
    chip.OnRead(kSerialUsart + usart::kReceived, [this] {
      ClearBit(kStatus, usart::kRxne);
      if (kOverrunIsClearedByReading && status_was_read_) ClearBit(kStatus, usart::kOre);
      status_was_read_ = false;
      return received_;
    });
    chip.OnWrite(kSerialUsart + usart::kSent, [this](uint32_t byte) {
      if (!IsSet(kStatus, usart::kTxe)) Fail("a byte was written over another", kSerialUsart);
      if (!IsSet(kControl, usart::kTe)) Fail("a byte was sent by a sleeping transmitter", kSerialUsart);
      sent_.push_back(static_cast<uint8_t>(byte));
      ClearBit(kStatus, usart::kTxe);
      ClearBit(kStatus, usart::kTc);
      sending_ = kws::model::kLooksUntilReady;
      last_bits_ = kws::model::kLooksUntilReady;
    });
    chip.OnWrite(kClear, [](uint32_t bits) {
      if (!kOverrunIsClearedByReading && (bits >> 3 & 1) != 0) ClearBit(kStatus, usart::kOre);
    });
    SetBit(kStatus, usart::kTxe);
    SetBit(kStatus, usart::kTc);
    chip.SetHandler(kSerialInterruptLine, &KwsSerialInterrupt);
    chip.SetLevel(kSerialInterruptLine, [] {
      return IsSet(kControl, usart::kRxneIe) && (IsSet(kStatus, usart::kRxne) || IsSet(kStatus, usart::kOre));
    });
  }
  Usart(const Usart&) = delete;
  Usart& operator=(const Usart&) = delete;

  // A byte arrives.
  void Arrive(uint8_t byte) {
    if (!IsSet(kControl, usart::kRe) || !IsSet(kControl, usart::kUe)) Fail("nobody receives", kSerialUsart);
    if (IsSet(kStatus, usart::kRxne)) {
      SetBit(kStatus, usart::kOre);  // the new one is lost
    } else {
      received_ = byte;
      SetBit(kStatus, usart::kRxne);
    }
    Chip::Get().Interrupt();
  }

  const std::vector<uint8_t>& sent() const { return sent_; }

 private:
  uint32_t received_ = 0;
  uint32_t sending_ = 0;  // looks until the byte has gone to the shift register
  uint32_t last_bits_ = 0;  // looks from then on, until its last bit is out
  bool status_was_read_ = false;
  std::vector<uint8_t> sent_;
};

std::unique_ptr<Usart> g_usart;

void Start(bool polled = false) {
  Chip::Get().Reset();
  g_usart = std::make_unique<Usart>();
  kws::board::StartSerial(kBusHz, polled);
}

std::vector<uint8_t> ReadAll() {
  std::vector<uint8_t> all;
  uint8_t piece[13];
  for (;;) {
    const size_t count = kws::board::ReadSerial(piece, 13);
    if (count == 0) return all;
    all.insert(all.end(), piece, piece + count);
  }
}

uint32_t FunctionOf(const kws::board::Pin& pin) {
  return Chip::Get().word(pin.port + 0x20 + pin.number / 8 * 4) >> (pin.number % 8 * 4) & 15;
}

void PinsAndFormat() {
  Start();
  Chip& chip = Chip::Get();
  for (const kws::board::Pin& pin : {kws::board::kSerialSends, kws::board::kSerialReceives}) {
    Check((chip.word(pin.port) >> (2 * pin.number) & 3) == 2, "the pin is the USART's");
    Check(FunctionOf(pin) == pin.function, "its function");
    Check((chip.word(kRcc + rcc::kPortEnr) & pin.enable.mask()) != 0, "its port's clock");
  }
  Check((chip.word(kws::board::kSerialReceives.port + 0x0C) >> (2 * kws::board::kSerialReceives.number) & 3) == 1,
        "an open line is pulled up");
  Check((chip.word(kRcc + kws::board::kSerialEnableRegister) & kws::board::kSerialEnable.mask()) != 0, "its clock");
  const uint32_t control = chip.word(kControl);
  Check((control & ~(usart::kUe.mask() | usart::kTe.mask() | usart::kRe.mask() | usart::kRxneIe.mask())) == 0,
        "8 bits, no parity, sampled 16 times");
  Check(chip.FirstWrite(kSerialUsart + usart::kBrr, chip.word(kSerialUsart + usart::kBrr)) < chip.log().size(),
        "the rate");
  std::printf("BRR 0x%08x bus %u\n", chip.word(kSerialUsart + usart::kBrr), kBusHz);
}

void BytesArriveByInterrupt() {
  Start();
  std::vector<uint8_t> all;
  for (uint32_t i = 0; i < 3000; ++i) {
    all.push_back(static_cast<uint8_t>(i * 7));
    g_usart->Arrive(all.back());
  }
  Check(kws::board::SerialHasBytes() && Chip::Get().interrupts() == 3000, "an interrupt for each byte");
  Check(ReadAll() == all && !kws::board::SerialHasBytes() && kws::board::SerialOverruns() == 0, "not what arrived");
}

void AWindowOfAudioFitsWhileNobodyReads() {
  Start();
  // INFO's credit window in frames: 2,048 bytes of PCM and what stands around them.
  for (uint32_t i = 0; i < 2048 + 512; ++i) g_usart->Arrive(static_cast<uint8_t>(i));
  Check(kws::board::SerialOverruns() == 0 && ReadAll().size() == 2048 + 512, "bytes were lost");
}

void AFullRingDropsAndCounts() {
  Start();
  for (uint32_t i = 0; i < 4096 + 3; ++i) g_usart->Arrive(static_cast<uint8_t>(i));
  Check(kws::board::SerialOverruns() == 3, "three had no room");
  const std::vector<uint8_t> all = ReadAll();
  Check(all.size() == 4096 && all[4095] == 0xFF, "the oldest ones remain");
  g_usart->Arrive(9);
  Check(ReadAll() == std::vector<uint8_t>{9}, "the ring goes on");
}

void AnOverrunIsCountedAndCleared() {
  Start();
  Chip::Get().SetMasked(true);
  g_usart->Arrive(1);
  g_usart->Arrive(2);
  Chip::Get().SetMasked(false);
  Check(kws::board::SerialOverruns() == 1 && !IsSet(kStatus, usart::kOre), "an overrun, and its cause");
  Check(ReadAll() == std::vector<uint8_t>{1}, "the first byte");
  g_usart->Arrive(3);
  Check(ReadAll() == std::vector<uint8_t>{3}, "reception goes on");
}

void BytesAreSentOneAfterTheOther() {
  Start();
  const std::vector<uint8_t> bytes = {0, 1, 0xFF, 0x55};
  kws::board::WriteSerial(bytes.data(), bytes.size());
  Check(g_usart->sent() == bytes, "not what was sent");
}

// A fault's frame is followed by a restart, which ends the port in the middle of a byte.
void TheLastBitIsOutWhenSendingReturns() {
  Start();
  const std::vector<uint8_t> bytes = {7, 8, 9};
  for (size_t count = 1; count <= bytes.size(); ++count) {
    kws::board::WriteSerial(bytes.data(), count);
    Check(IsSet(kStatus, usart::kTc), "it returned before the last bit was out");
  }
  const size_t accesses = Chip::Get().log().size();
  kws::board::WriteSerial(bytes.data(), 0);
  Check(Chip::Get().log().size() == accesses, "nothing to send, nothing to wait for");
}

void APolledPortDisturbsNobody() {
  Start(true);
  g_usart->Arrive(5);
  Check(Chip::Get().interrupts() == 0 && kws::board::SerialHasBytes(), "an interrupt of a polled port");
  Check(ReadAll() == std::vector<uint8_t>{5}, "the byte");
  kws::board::MaskInterrupts();
  kws::board::WakeByPolledSerial(true);
  Chip::Get().OnSleep([] { g_usart->Arrive(6); });
  kws::board::WaitForInterrupt();
  kws::board::WakeByPolledSerial(false);
  kws::board::UnmaskInterrupts();
  Check(Chip::Get().interrupts() == 0 && ReadAll() == std::vector<uint8_t>{6}, "a byte wakes the core, and no more");
}

constexpr Case kCases[] = {
    {"pins_and_format", &PinsAndFormat},
    {"bytes_arrive_by_interrupt", &BytesArriveByInterrupt},
    {"a_window_of_audio_fits_while_nobody_reads", &AWindowOfAudioFitsWhileNobodyReads},
    {"a_full_ring_drops_and_counts", &AFullRingDropsAndCounts},
    {"an_overrun_is_counted_and_cleared", &AnOverrunIsCountedAndCleared},
    {"bytes_are_sent_one_after_the_other", &BytesAreSentOneAfterTheOther},
    {"the_last_bit_is_out_when_sending_returns", &TheLastBitIsOutWhenSendingReturns},
    {"a_polled_port_disturbs_nobody", &APolledPortDisturbsNobody},
};

}  // namespace

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
