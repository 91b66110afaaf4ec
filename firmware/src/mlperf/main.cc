// The client of MLPerf Tiny's runner as an application of its own, in the place of src/app. The board's start-up code
// has run board::Init() before.
#include "kws/board.h"
#include "kws/engine.h"
#include "mlperf/client.h"
#include "mlperf/printer.h"

namespace {

kws::mlperf::Client g_client(&kws::board::WriteSerial, KWS_CLOCK_HZ);

int RunApplication() {
  g_client.Start(kws::engine::Init());
  for (;;) {
    uint8_t received[64];
    const size_t count = kws::board::ReadSerial(received, sizeof(received));
    for (size_t i = 0; i < count; ++i) g_client.Receive(received[i]);
    if (count == 0) kws::board::Idle();
  }
}

}  // namespace

// The line lies where the runner's log shows it; the board restarts then and says m-ready, which ends the command.
void kws::app::OnFault(const FaultRecord& record) {
  const mlperf::Printer out(&board::WriteSerial);
  out.Text("\r\ne-[").Text(FaultTypeName(record.type)).Text(" at ").Hex32(record.pc).Text("]\r\n");
}

// As src/app/main.cc has it.
#if defined(ARDUINO) || defined(KWS_BOARD_HAS_MAIN)
int kws::app::Main() { return RunApplication(); }
#else
int main() { return RunApplication(); }
#endif
