// The serial port of the nRF52 on a model of its registers.
#include <cstring>
#include <memory>
#include <numeric>

#include "app/link_audio_source.h"
#include "board_config.h"
#include "cases.h"
#include "cortex_m/core.h"
#include "kws/board.h"
#include "nrf52/nrf52.h"
#include "nrf52/serial.h"
#include "nrf52_serial_model.h"

namespace {

using kws::board::kSerialChunkBytes;
using kws::board::kSerialRingBytes;
using kws::board::ReadSerial;
using kws::model::Check;
using kws::model::Chip;
namespace uarte = kws::board::uarte;
constexpr uintptr_t kUarte0 = kws::board::kUarte0;

std::unique_ptr<kws::model::SerialModel> g_model;

kws::model::SerialModel& Start() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kws::board::kPort0, 0x1000);  // and port 1
  g_model = std::make_unique<kws::model::SerialModel>();
  chip.SetHandler(kws::board::kUarte0Line, &KwsSerialInterrupt);
  kws::board::StartSerial();
  return *g_model;
}

// Bytes that count up in an irregular way, so that none is mistaken for another.
uint8_t Byte(uint32_t index) { return static_cast<uint8_t>(index * 7 + index / 251); }

void Arrive(uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) g_model->Arrive(Byte(first + i));
}

// Fetches all there is and compares it. Returns how many.
uint32_t Fetch(uint32_t first, size_t capacity = 128) {
  uint8_t bytes[1024];
  uint32_t count = 0;
  while (const size_t got = ReadSerial(bytes, capacity)) {
    for (size_t i = 0; i < got; ++i) Check(bytes[i] == Byte(first + count + static_cast<uint32_t>(i)), "a wrong byte");
    count += static_cast<uint32_t>(got);
  }
  return count;
}

void PinsAndFormat() {
  Start();
  Chip& chip = Chip::Get();
  Check(chip.word(kUarte0 + uarte::kPselTxd) == kws::board::kSerialSends.Psel(), "the sending pin");
  Check(chip.word(kUarte0 + uarte::kPselRxd) == kws::board::kSerialReceives.Psel(), "the receiving pin");
  Check(chip.word(kUarte0 + uarte::kPselRts) >> 31 == 1 && chip.word(kUarte0 + uarte::kPselCts) >> 31 == 1, "wires");
  Check(chip.word(kUarte0 + uarte::kConfig) == 0, "8N1 without flow control");
  // The line rests high from the beginning: high first, then an output, then the port's.
  const kws::board::Pin pin = kws::board::kSerialSends;
  const size_t high = chip.FirstWrite(pin.base() + kws::board::gpio::kOutSet, pin.mask());
  const size_t output = chip.FirstWrite(pin.base() + kws::board::gpio::kPinCnf + 4 * pin.number, 3);
  const size_t enable = chip.FirstWrite(kUarte0 + uarte::kEnable, 8);
  Check(high < output && output < enable && enable < chip.log().size(), "the order of the sending pin");
  std::printf("BAUDRATE 0x%08x\n", chip.word(kUarte0 + uarte::kBaudrate));
}

void BytesOneByOne() {
  Start();
  for (uint32_t i = 0; i < 5000; ++i) {
    g_model->Arrive(Byte(i));
    Check(Fetch(i) == 1, "a byte did not come at once");
  }
  Check(kws::board::SerialOverruns() == 0, "an overrun");
}

void NothingArrives() {
  Start();
  uint8_t byte;
  Check(ReadSerial(&byte, 1) == 0, "a byte from nowhere");
}

// The host sends all that it may while a step is computed.
void CreditWindowDuringAStep() {
  Start();
  constexpr uint32_t kMost = 2 * kws::app::LinkAudioSource::kCapacityBytes;
  static_assert(kMost <= kSerialRingBytes, "the ring holds the credit window, and as much again for frames around it");
  uint32_t at = 0;
  for (uint32_t round = 0; round < 40; ++round) {
    Arrive(at, kMost);
    Check(Fetch(at) == kMost, "bytes were lost during a step");
    at += kMost;
  }
  Check(kws::board::SerialOverruns() == 0, "an overrun");
}

// More than 16 bits of a counter, in pieces of every size, read in pieces of every size.
void ManyBytes() {
  Start();
  uint32_t state = 1;
  const auto random = [&state] { return (state = 1664525u * state + 1013904223u) >> 8; };  // Numerical Recipes
  uint32_t arrived = 0;
  uint32_t fetched = 0;
  while (arrived < 200000) {
    const uint32_t count = random() % 1500;
    Arrive(arrived, count);
    arrived += count;
    fetched += Fetch(fetched, 1 + random() % 700);
  }
  Check(arrived == fetched && kws::board::SerialOverruns() == 0, "bytes were lost");
}

void RingRunsOver() {
  Start();
  Arrive(0, kSerialRingBytes + 1);
  Check(Fetch(0) == 0, "bytes that hang together no more were given");
  Check(kws::board::SerialOverruns() == kSerialRingBytes + 1, "lost bytes were not counted");
  Arrive(9, 3000);
  Check(Fetch(9) == 3000, "it does not go on after an overrun");
}

void RingIsFull() {
  Start();
  Arrive(0, kSerialRingBytes);
  Check(Fetch(0) == kSerialRingBytes && kws::board::SerialOverruns() == 0, "a full ring is no overrun");
}

void ErrorOfTheLine() {
  Start();
  Arrive(0, 700);
  Check(Fetch(0) == 700, "before the error");
  g_model->ArriveBroken();
  Check(kws::board::SerialOverruns() == 1, "the error was not counted");
  uint8_t bytes[64];
  Check(ReadSerial(bytes, sizeof(bytes)) == 0, "bytes from around an error");
  Check(Chip::Get().word(kUarte0 + uarte::kErrorSrc) == 0, "the error's source was not cleared");
  Arrive(50, 5000 - 904);
  Check(Fetch(50) == 5000 - 904, "after an error the bytes are shifted");
  Check(kws::board::SerialOverruns() == 1, "one error, one overrun");
}

// The interrupt may come late, by less than the time of a chunk.
void InterruptIsLate() {
  Start();
  uint32_t at = 0;
  for (uint32_t round = 0; round < 20; ++round) {
    kws::board::MaskInterrupts();
    Arrive(at, kSerialChunkBytes - 1);
    kws::board::UnmaskInterrupts();
    Check(Fetch(at) == kSerialChunkBytes - 1, "a late interrupt lost bytes");
    at += kSerialChunkBytes - 1;
  }
}

// Two chunks go by without an interrupt, as when a page of flash is erased, or a debugger holds the core: DMA fills one
// twice, and what the timer counts is no place in the ring any more.
void MissedChunkIsNoticedAndCured() {
  Start();
  uint8_t bytes[kSerialRingBytes];
  uint32_t at = 0;
  for (const uint32_t count : {2 * kSerialChunkBytes, 2 * kSerialChunkBytes + 500, 5 * kSerialChunkBytes}) {
    Arrive(at, 700);  // which is somewhere in a chunk
    Check(Fetch(at) == 700, "before");
    const uint32_t before = kws::board::SerialOverruns();
    kws::board::MaskInterrupts();
    Arrive(7, count);
    kws::board::UnmaskInterrupts();
    const uint32_t lost = kws::board::SerialOverruns() - before;
    Check(lost >= kSerialChunkBytes && lost <= count, "the chunk that was written over was not counted");
    Check(ReadSerial(bytes, sizeof(bytes)) == 0, "bytes that hang together no more were given");
    at += 1000;
    Arrive(at, 3000);
    Check(Fetch(at) == 3000, "what comes behind a missed chunk is shifted");
    Check(kws::board::SerialOverruns() - before == lost, "one miss, one count");
    at += 3000;
  }
}

// A byte between the flush and the count's new beginning would be written and not counted, for ever.
void ByteDuringARestartShiftsNothing() {
  Start();
  g_model->ArriveBroken();
  g_model->ArriveBehindTheFlush(0x55);
  uint8_t bytes[16];
  Check(ReadSerial(bytes, sizeof(bytes)) == 0, "bytes from around an error");
  for (uint32_t i = 0; i < 3000; ++i) {
    g_model->Arrive(Byte(i));
    Check(Fetch(i) == 1, "a byte came late, or is another");
  }
}

// A boot loader has left the port on, with interrupts.
void PortThatIsOnIsSetUpAnew() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kws::board::kPort0, 0x1000);
  g_model = std::make_unique<kws::model::SerialModel>();
  chip.SetHandler(kws::board::kUarte0Line, &KwsSerialInterrupt);
  kws::board::Register(kUarte0 + uarte::kEnable) = uarte::kEnableEnabled;
  kws::board::Register(kUarte0 + uarte::kIntenSet) = 1u << 8 | 1u << 4;
  kws::board::StartSerial();  // the model ends the test where pins change while the port is on
  Check((g_model->inten() & (1u << 8 | 1u << 4)) == 0, "an interrupt of the boot loader's is left");
  Arrive(0, 100);
  Check(Fetch(0) == 100, "bytes");
}

void SleepEndsWithAByte() {
  Start();
  Chip& chip = Chip::Get();
  Arrive(100, 3);
  Check(Fetch(100) == 3, "bytes before");
  static bool slept;
  chip.OnSleep([] {
    slept = true;
    g_model->Arrive(Byte(0));
  });
  kws::board::MaskInterrupts();
  Check(!kws::board::WaitForSerial(), "something arrived");
  kws::board::WaitForInterrupt();
  kws::board::StopWaitingForSerial();
  kws::board::UnmaskInterrupts();
  Check(slept, "bytes that were fetched long ago ended the sleep");
  Check(Fetch(0) == 1, "the byte that woke the core");
  const uint32_t before = chip.interrupts();
  Arrive(1, 500);
  Check(chip.interrupts() == before, "awake, bytes must not interrupt one by one");
  Check(kws::board::WaitForSerial(), "bytes wait, and the core would sleep");
  Check(Fetch(1) == 500, "bytes");
}

// A byte between the look at the ring and the sleep.
void ByteBeforeSleepIsNotMissed() {
  Start();
  kws::board::MaskInterrupts();
  Check(!kws::board::WaitForSerial(), "something arrived");
  g_model->Arrive(Byte(0));
  kws::board::WaitForInterrupt();  // the model ends the test where nothing would wake it
  kws::board::StopWaitingForSerial();
  kws::board::UnmaskInterrupts();
  Check(Fetch(0) == 1, "the byte");
}

void SendsEverythingInOrder() {
  Start();
  uint8_t bytes[1000];
  std::iota(bytes, bytes + sizeof(bytes), uint8_t{3});
  kws::board::WriteSerial(bytes, sizeof(bytes));
  kws::board::WriteSerial(bytes, 1);
  kws::board::WriteSerial(bytes, 0);
  Check(g_model->sent().size() == 1001 && std::memcmp(g_model->sent().data(), bytes, 1000) == 0, "what was sent");
  Check(g_model->collisions() == 0, "a transmission was started before the last one had ended");
  Check(Chip::Get().word(kUarte0 + uarte::kEventsEndTx) == 1, "it returned before the last byte was sent");
}

constexpr Case kCases[] = {
    {"pins_and_format", &PinsAndFormat},
    {"bytes_one_by_one", &BytesOneByOne},
    {"nothing_arrives", &NothingArrives},
    {"credit_window_during_a_step", &CreditWindowDuringAStep},
    {"many_bytes", &ManyBytes},
    {"ring_is_full", &RingIsFull},
    {"ring_runs_over", &RingRunsOver},
    {"error_of_the_line", &ErrorOfTheLine},
    {"interrupt_is_late", &InterruptIsLate},
    {"missed_chunk_is_noticed_and_cured", &MissedChunkIsNoticedAndCured},
    {"byte_during_a_restart_shifts_nothing", &ByteDuringARestartShiftsNothing},
    {"port_that_is_on_is_set_up_anew", &PortThatIsOnIsSetUpAnew},
    {"sleep_ends_with_a_byte", &SleepEndsWithAByte},
    {"byte_before_sleep_is_not_missed", &ByteBeforeSleepIsNotMissed},
    {"sends_everything_in_order", &SendsEverythingInOrder},
};

}  // namespace

namespace kws::board {

bool g_counts_cycles = true;
uint32_t CycleCount() { return g_model->Cycles(); }

}  // namespace kws::board

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
