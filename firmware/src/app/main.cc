// Wires the stages: audio source -> front end -> engine -> detector -> link. The board's start-up code has run
// board::Init() before.
#include "app/bulk.h"
#include "app/fault_log.h"
#include "app/link_audio_source.h"
#include "app/microphone_source.h"
#include "app/pipeline.h"
#include "app/session.h"
#include "kws/board.h"
#include "kws/link.h"

namespace {

kws::Link g_link(&kws::board::WriteSerial);
kws::app::LinkAudioSource g_host;
kws::app::MicrophoneSource g_microphone;
kws::app::Pipeline g_pipeline;
kws::app::Session g_session(g_link, g_host, g_microphone, g_pipeline);

int RunApplication() {
  kws::app::StartFaultLog();
  (void)g_pipeline.Init();  // its status() answers the host
  kws::app::RunCommandLine(g_pipeline);  // ends the program when the emulator asked for a bulk run
  g_session.Start();
  for (;;) {
    kws::board::FeedWatchdog();
    const bool received = g_session.Poll();
    const bool processed = g_session.Process();
    if (!received && !processed) g_session.Idle();
  }
}

}  // namespace

// Where the board starts on its own, its start-up code calls main(). Where something else has a main() (Arduino's core;
// the host's, defined by board `native`), the board's file calls Main(). Never rename main by a macro for that:
// Arduino's headers declare main() weak, and a macro makes a weak function of another linkage of it, whose call links
// to nothing.
#if defined(ARDUINO) || defined(KWS_BOARD_HAS_MAIN)
int kws::app::Main() { return RunApplication(); }
#else
int main() { return RunApplication(); }
#endif
