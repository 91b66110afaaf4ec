// One host at the other end of the link: its requests, the audio that it streams, and what it is told of each step.
#pragma once

#include "app/awake_time.h"
#include "app/detector_control.h"
#include "app/flow_control.h"
#include "app/link_audio_source.h"
#include "app/pipeline.h"
#include "app/replies.h"
#include "app/reporter.h"
#include "app/requests.h"
#include "app/sources.h"
#include "kws/link.h"

namespace kws::app {

// Place it in static memory. Main thread only.
class Session {
 public:
  // All must outlive the session.
  Session(Link& link, LinkAudioSource& host, MicrophoneSource& microphone, Pipeline& pipeline)
      : link_(link),
        pipeline_(pipeline),
        replies_(link),
        reporter_(replies_),
        flow_(replies_, host),
        sources_(host, microphone),
        detector_(pipeline),
        requests_({link, replies_, reporter_, flow_, sources_, detector_, awake_, pipeline}) {}

  // The firmware has started, the pipeline's Init() has run: resets everything and says HELLO.
  void Start();

  // Handles what has arrived. Never waits for more. Returns false when there was nothing.
  bool Poll();

  // Passes a piece of audio to the pipeline and grants credit for what was consumed. Returns false without audio.
  bool Process();

  // Sleeps: there was neither.
  void Idle() { awake_.Idle(); }

 private:
  void SendEngineError(Status status);

  Link& link_;
  Pipeline& pipeline_;
  Replies replies_;
  Reporter reporter_;
  FlowControl flow_;
  Sources sources_;
  DetectorControl detector_;
  AwakeTime awake_;
  Requests requests_;
};

}  // namespace kws::app
