#include "app/fault_log.h"

#include <cstddef>

#include "kws/crc32.h"
#include "kws/frame.h"
#include "kws/messages.h"

namespace kws::app {
namespace {

constexpr uint32_t kMagic = 0x4B57464C;  // "KWFL"

__attribute__((section(".noinit"))) FaultLog g_log;

uint32_t Digest() { return Crc32(&g_log, offsetof(FaultLog, crc)); }

}  // namespace

const FaultLog& StartFaultLog() {
  if (g_log.magic != kMagic || g_log.crc != Digest()) {
    g_log = FaultLog{};
    g_log.magic = kMagic;
  }
  ++g_log.starts;
  if (board::StartedByWatchdog()) {  // nothing ran that could have kept a record
    ++g_log.faults;
    g_log.last = FaultRecord{};
    g_log.last.type = kFaultWatchdog;
  }
  g_log.crc = Digest();
  return g_log;
}

const FaultLog& CurrentFaultLog() { return g_log; }

void OnFault(const FaultRecord& record) {
  ++g_log.faults;
  g_log.last = record;
  g_log.crc = Digest();
  // The link may be in the middle of a frame: a writer of its own, whose leading 0x00 ends that frame.
  constexpr size_t kPayloadBytes = 4 + sizeof(FaultRecord);  // the count, then the record
  uint8_t wire[CobsMaxEncodedBytes(kFrameHeaderBytes + kPayloadBytes + kFrameCrcBytes) + 2];
  FrameWriter writer(wire, sizeof(wire));
  writer.Begin(static_cast<uint8_t>(MessageType::kFault), 0);
  WriteFault(g_log.faults, record, writer);
  if (IsOk(writer.Finish())) board::WriteSerial(writer.data(), writer.size());
}

}  // namespace kws::app
