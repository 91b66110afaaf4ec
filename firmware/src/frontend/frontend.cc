#include "kws/frontend.h"

#include <cstring>

#ifdef KWS_FRONTEND_MICRO
#include "micro/stages.h"
#else
#include "mfcc/stages.h"
#endif

namespace kws {

// What reports say of a board is what its compiler makes.
static_assert(sizeof(void*) != 4 || sizeof(Frontend) == frontend_tables::kFrontendBytes);

#ifdef KWS_FRONTEND_MICRO
namespace {

frontend::micro::Observer g_observer;

}  // namespace

void Frontend::Observe(MicroStageFn on_value, void* context) { g_observer = {on_value, context}; }
#endif

void Frontend::Reset() {
  std::memset(pcm_, 0, sizeof(pcm_));
#ifdef KWS_FRONTEND_MICRO
  std::memset(noise_, 0, sizeof(noise_));
#endif
#ifdef KWS_FRONTEND_PREEMPHASIS
  last_sample_ = 0;
#endif
  sample_count_ = 0;
}

size_t Frontend::Push(const int16_t* pcm, size_t sample_count, int8_t* features, bool* frame_ready) {
  *frame_ready = false;
  if (sample_count == 0) return 0;
  const size_t missing = kWindowSamples - sample_count_;
  const size_t taken = sample_count < missing ? sample_count : missing;
#ifdef KWS_FRONTEND_PREEMPHASIS
  last_sample_ = frontend::Preemphasise(pcm, taken, last_sample_, pcm_ + sample_count_);
#else
  std::memcpy(pcm_ + sample_count_, pcm, taken * sizeof(int16_t));
#endif
  sample_count_ += taken;
  if (sample_count_ < kWindowSamples) return taken;

#ifdef KWS_FRONTEND_MICRO
  const int shift = frontend::micro::WindowReversed(pcm_, spectrum_);
  frontend::micro::TransformStages(spectrum_, shift);
  frontend::micro::SplitToEnergies(spectrum_);
  frontend::micro::ChannelFeatures(spectrum_, shift, noise_, features, g_observer);
#else
  const int shift = frontend::BlockShift(pcm_);
  frontend::WindowAndFirstStage(pcm_, shift, spectrum_);
  frontend::TransformStages(spectrum_);
  frontend::RealSplit(spectrum_);
  frontend::LogMel(spectrum_, shift, log_mel_);
#ifdef KWS_FRONTEND_LOG_MEL
  frontend::BandsToFeatures(log_mel_, features);
#else
  frontend::DctToFeatures(log_mel_, features);
#endif
#endif
  *frame_ready = true;

  sample_count_ = kWindowSamples - kHopSamples;
  std::memmove(pcm_, pcm_ + kHopSamples, sample_count_ * sizeof(int16_t));
  return taken;
}

}  // namespace kws
