// MLPerf Tiny's client between stdin and stdout, over a made-up engine and board.
#include <cstdio>

#include "mlperf/client.h"
#include "mlperf_fakes.h"

namespace {

void Write(const uint8_t* data, size_t size) { std::fwrite(data, 1, size, stdout); }

kws::mlperf::Client g_client(&Write, 25000000);

}  // namespace

int main() {
#ifdef FAKE_INIT_FAILS
  g_client.Start(kws::Status::kOutOfRange);
#else
  g_client.Start(kws::Status::kOk);
#endif
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) g_client.Receive(static_cast<uint8_t>(byte));
}
