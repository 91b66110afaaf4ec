// The serial port of the nRF52: UARTE0, 8N1, no flow control by wires.
//
// DMA writes what arrives into a ring of kRingBytes without the core's help, chunk by chunk: while one is filled, an
// interrupt tells the next, for which it has 11 ms. Timer 1 counts the bytes, so those in a chunk that is not full are
// known too. The ring holds twice the credit window, which is the most that a host has under way: nothing is lost
// however long a step of the network takes.
//
// An interrupt that comes later than that (a page of flash is erased, a debugger held the core) finds that DMA has
// filled a chunk twice: places and count agree no more, and the receiver begins anew, as after an error of the line.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "board_config.h"
#include "cortex_m/access.h"
#include "cortex_m/core.h"
#include "cortex_m/line_handlers.h"
#include "cortex_m/registers.h"
#include "kws/board.h"
#include "nrf52/nrf52.h"
#include "nrf52/pin.h"
#include "nrf52/serial.h"

namespace kws::board {
namespace {

// A byte takes 11 us, a flush less than one.
constexpr uint32_t kMostFlushes = 100;

// The timer counts a byte before DMA has written it: what was counted is fetched so many cycles later, 2 us.
constexpr uint32_t kDmaCycles = 128;

uint8_t g_ring[kSerialRingBytes];
uint32_t g_tail;  // bytes fetched since the receiver was started, modulo 2^32
volatile uint32_t g_told;  // bytes of the chunks that DMA was told since then, modulo 2^32
volatile bool g_broken;  // what the timer counts and what DMA wrote may differ
volatile uint32_t g_overruns;

uint8_t g_sent[256];  // DMA reads RAM only
volatile bool g_sends;

// An event is cleared before its interrupt can be taken again only when it was read back.
void ClearEvent(uintptr_t event) {
  Register(kUarte0 + event) = 0;
  (void)static_cast<uint32_t>(Register(kUarte0 + event));
}

bool IsSet(uintptr_t event) { return Register(kUarte0 + event) != 0; }

bool WaitForEvent(uintptr_t event) {
  for (uint32_t look = 0; look < kMostLooks; ++look) {
    if (IsSet(event)) return true;
  }
  return false;
}

void AddOverruns(uint32_t count) { g_overruns = g_overruns > UINT32_MAX - count ? UINT32_MAX : g_overruns + count; }

void TellNextChunk() {
  Register(kUarte0 + uarte::kRxdPtr) = DmaAddress(g_ring + g_told % kSerialRingBytes);
  g_told = g_told + kSerialChunkBytes;
}

// Bytes that have arrived since the receiver was started, modulo 2^32.
uint32_t Arrived() {
  Register(kTimer1 + timer::kTasksCapture) = 1;
  return Register(kTimer1 + timer::kCc);
}

// Behind it DMA fills the last chunk but one of those that it was told. Has it come to the next one before that was
// told, it has filled one twice.
void TakeStartedChunk() {
  TellNextChunk();
  const uint32_t filled = Arrived() - (g_told - 2 * kSerialChunkBytes);
  if (filled < kSerialChunkBytes || g_broken) return;
  AddOverruns(filled / kSerialChunkBytes * kSerialChunkBytes);
  g_broken = true;
}

// The timer is at 0, and what it will count is all that DMA will write.
void StartReceiver() {
  g_tail = 0;
  g_told = 0;
  g_broken = false;
  for (const uintptr_t event :
       {uarte::kEventsEndRx, uarte::kEventsError, uarte::kEventsRxTo, uarte::kEventsRxStarted}) {
    ClearEvent(event);
  }
  Register(kUarte0 + uarte::kErrorSrc) = static_cast<uint32_t>(Register(kUarte0 + uarte::kErrorSrc));  // ones clear
  Register(kUarte0 + uarte::kRxdMaxcnt) = kSerialChunkBytes;
  Register(kUarte0 + uarte::kShorts) = uarte::kShortsEndRxStartRx.mask();
  TellNextChunk();
  Register(kUarte0 + uarte::kIntenSet) = uarte::kIntRxStarted.mask() | uarte::kIntError.mask();
  Register(kUarte0 + uarte::kTasksStartRx) = 1;
}

// Begins anew, so that timer and DMA agree again. The link finds its next frame on its own.
void RestartReceiver() {
  Register(kUarte0 + uarte::kIntenClr) = uarte::kIntRxStarted.mask() | uarte::kIntError.mask();
  Register(kUarte0 + uarte::kShorts) = 0;  // or the end of the chunk would start it again
  Register(kUarte0 + uarte::kTasksStopRx) = 1;
  (void)WaitForEvent(uarte::kEventsRxTo);
  // A few bytes may have arrived since, which were counted and not written; another one may come before the count is 0.
  for (uint32_t tries = 0; tries < kMostFlushes; ++tries) {
    ClearEvent(uarte::kEventsRxdRdy);
    ClearEvent(uarte::kEventsEndRx);
    Register(kUarte0 + uarte::kRxdPtr) = DmaAddress(g_ring);
    Register(kUarte0 + uarte::kTasksFlushRx) = 1;
    (void)WaitForEvent(uarte::kEventsEndRx);
    Register(kTimer1 + timer::kTasksClear) = 1;
    if (!IsSet(uarte::kEventsRxdRdy)) break;
  }
  StartReceiver();
}

// Waits for the transmission under way: one that a fault interrupted, too.
void FinishSending() {
  if (!g_sends) return;
  (void)WaitForEvent(uarte::kEventsEndTx);
  g_sends = false;
}

}  // namespace

void StartSerial() {
  // A boot loader may have left the port on.
  Register(kUarte0 + uarte::kIntenClr) = 0xFFFFFFFF;
  Register(kUarte0 + uarte::kShorts) = 0;
  Register(kUarte0 + uarte::kEnable) = uarte::kEnableEnable(uarte::kEnableDisabled);
  MakeOutput(kSerialSends, true);
  MakeInput(kSerialReceives, true);  // idle when open
  Register(kUarte0 + uarte::kPselTxd) = kSerialSends.Psel();
  Register(kUarte0 + uarte::kPselRxd) = kSerialReceives.Psel();
  Register(kUarte0 + uarte::kPselRts) = uarte::kPselConnect(uarte::kPselDisconnected);
  Register(kUarte0 + uarte::kPselCts) = uarte::kPselConnect(uarte::kPselDisconnected);
  Register(kUarte0 + uarte::kBaudrate) = kSerialRate;
  Register(kUarte0 + uarte::kConfig) =
      uarte::kConfigHwfc(uarte::kConfigHwfcDisabled) | uarte::kConfigParity(uarte::kConfigParityExcluded);
  Register(kUarte0 + uarte::kEnable) = uarte::kEnableEnable(uarte::kEnableEnabled);
  Register(kTimer1 + timer::kMode) = timer::kModeLowPowerCounter;
  Register(kTimer1 + timer::kBitMode) = timer::kBitMode32;
  Register(kTimer1 + timer::kTasksClear) = 1;
  Register(kTimer1 + timer::kTasksStart) = 1;
  Register(kPpi + ppi::kChEep) = static_cast<uint32_t>(kUarte0 + uarte::kEventsRxdRdy);
  Register(kPpi + ppi::kChTep) = static_cast<uint32_t>(kTimer1 + timer::kTasksCount);
  Register(kPpi + ppi::kChenSet) = ppi::kChen0.mask();
  StartReceiver();
  EnableInterruptLine(kUarte0Line);
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  if (g_broken) RestartReceiver();
  const uint32_t arrived = Arrived();
  if (arrived == g_tail) return 0;
  for (const uint32_t counted = CycleCount(); CycleCount() - counted < kDmaCycles;) {
  }
  MemoryBarrier();  // what DMA wrote is read from here on
  uint32_t count = arrived - g_tail;
  if (count > capacity) count = static_cast<uint32_t>(capacity);
  for (uint32_t i = 0; i < count; ++i) out[i] = g_ring[(g_tail + i) % kSerialRingBytes];
  // DMA may have run over what nobody fetched, at last while it was copied: the rest hangs together no more.
  const uint32_t now = Arrived();
  if (now - g_tail > kSerialRingBytes) {
    AddOverruns(now - g_tail);
    g_tail = now;
    return 0;
  }
  g_tail += count;
  return count;
}

void WriteSerial(const uint8_t* data, size_t size) {
  while (size > 0) {
    FinishSending();
    const size_t count = size < sizeof(g_sent) ? size : sizeof(g_sent);
    std::memcpy(g_sent, data, count);
    ClearEvent(uarte::kEventsEndTx);
    Register(kUarte0 + uarte::kTxdPtr) = DmaAddress(g_sent);
    Register(kUarte0 + uarte::kTxdMaxcnt) = static_cast<uint32_t>(count);
    MemoryBarrier();  // the bytes are there before DMA reads them
    g_sends = true;
    Register(kUarte0 + uarte::kTasksStartTx) = 1;
    data += count;
    size -= count;
  }
  FinishSending();  // the chip may be restarted next
}

uint32_t SerialOverruns() { return g_overruns; }

bool WaitForSerial() {
  ClearEvent(uarte::kEventsRxdRdy);
  if (g_broken || Arrived() != g_tail) return true;
  Register(kUarte0 + uarte::kIntenSet) = uarte::kIntRxdRdy.mask();
  return false;
}

void StopWaitingForSerial() { Register(kUarte0 + uarte::kIntenClr) = uarte::kIntRxdRdy.mask(); }

}  // namespace kws::board

extern "C" void KwsSerialInterrupt() {
  using namespace kws::board;
  if (IsSet(uarte::kEventsRxStarted)) {
    ClearEvent(uarte::kEventsRxStarted);
    TakeStartedChunk();
  }
  if (IsSet(uarte::kEventsError)) {
    ClearEvent(uarte::kEventsError);
    AddOverruns(1);
    g_broken = true;
  }
  StopWaitingForSerial();  // a byte has ended the sleep
}
