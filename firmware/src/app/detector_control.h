// Which settings the detector has: the generated ones, the host's, or those that were kept over a restart.
#pragma once

#include "app/pipeline.h"
#include "kws/detector.h"
#include "kws/protocol.h"
#include "kws/status.h"

namespace kws::app {

// Main thread only.
class DetectorControl {
 public:
  // The pipeline must outlive it.
  explicit DetectorControl(Pipeline& pipeline) : pipeline_(pipeline) {}

  // The firmware has started: what was kept for this model holds again, else the generated settings.
  void Start();

  // Settings that hold until the next start.
  //   kOk; kInvalidArgument: see Detector::Configure()
  Status Use(const DetectorSettings& settings);

  // Settings that hold after the next start, too.
  //   kOk; kInvalidArgument; else what board::SaveSettings() returns; then nothing has changed
  Status Keep(const DetectorSettings& settings);

  // The generated settings again; nothing is kept.
  //   kOk; else what board::SaveSettings() returns where something is kept; then nothing has changed
  Status Forget();

  // Whether an action changes what the board's memory keeps.
  bool Saves(DetectorAction action) const {
    return action == DetectorAction::kKeep || (action == DetectorAction::kForget && is_kept_);
  }

  SettingsOrigin origin() const { return origin_; }

 private:
  Pipeline& pipeline_;
  SettingsOrigin origin_ = SettingsOrigin::kGenerated;
  bool is_kept_ = false;  // the board's memory holds settings of this model
};

}  // namespace kws::app
