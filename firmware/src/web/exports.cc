// The pipeline of src/app as a WebAssembly module: what a web page calls (host/web/devices/wasm_module.js). It imports
// one function, kws.on_step, and nothing of an operating system. Memory is static, as on a board.
#include <cstddef>
#include <cstdint>

#include "app/pipeline.h"
#include "kws/board.h"
#include "kws/version.h"
#include "model_info.h"

// Outside of WebAssembly, where checkers read this file, nothing is exported.
#ifdef __wasm__
#define KWS_EXPORT(name) extern "C" __attribute__((export_name(#name)))
#define KWS_IMPORT(name) extern "C" __attribute__((import_module("kws"), import_name(#name)))
#else
#define KWS_EXPORT(name) extern "C"
#define KWS_IMPORT(name) extern "C"
#endif

namespace kws::web {

// What the page is handed of a step. The page reads it by these offsets on a 32-bit memory; pointers hold during the
// call only.
struct Record {
  uint32_t step;
  uint32_t audio_crc;
  const int8_t* scores;
  const int8_t* features;
  uint16_t top_smoothed_q15;
  uint16_t detected_smoothed_q15;
  uint8_t top_label;
  uint8_t detected;
  uint8_t detected_label;
};
static_assert(sizeof(void*) != 4 ||
                  (offsetof(Record, scores) == 8 && offsetof(Record, features) == 12 &&
                   offsetof(Record, top_smoothed_q15) == 16 && offsetof(Record, detected_smoothed_q15) == 18 &&
                   offsetof(Record, top_label) == 20 && offsetof(Record, detected_label) == 22),
              "host/web/devices/wasm_module.js reads these offsets");

KWS_IMPORT(on_step) void kws_on_step(const Record* record);

namespace {

constexpr size_t kPcmSamples = 1600;  // a tenth of a second of 16 kHz at a time

app::Pipeline g_pipeline;
int16_t g_pcm[kPcmSamples];

void HandOn(void* /*context*/, const app::StepResult& result) {
  const Record record{result.step,
                      result.audio_crc,
                      result.scores,
                      result.features,
                      result.top_smoothed_q15,
                      result.detected_smoothed_q15,
                      result.top_label,
                      static_cast<uint8_t>(result.detected),
                      result.detected_label};
  kws_on_step(&record);
}

}  // namespace

// SHA-256 of the model.tflite that the module was made of, 32 bytes.
KWS_EXPORT(kws_model_sha256) const uint8_t* kws_model_sha256() { return model::kModelSha256; }

// Release of the firmware, ended by a zero.
KWS_EXPORT(kws_firmware_version) const char* kws_firmware_version() { return kFirmwareVersion; }

// Before anything else, once. Returns a kws::Status; 0 is good.
KWS_EXPORT(kws_init) uint32_t kws_init() { return static_cast<uint32_t>(g_pipeline.Init()); }

// Forgets all audio.
KWS_EXPORT(kws_reset) void kws_reset() { g_pipeline.Reset(); }

// Where PCM is written to, and how many samples have room there.
KWS_EXPORT(kws_pcm) int16_t* kws_pcm() { return g_pcm; }
KWS_EXPORT(kws_pcm_capacity) uint32_t kws_pcm_capacity() { return kPcmSamples; }

// Computes the first `samples` samples that lie there; kws.on_step is called for each step that they complete. Returns
// a kws::Status.
KWS_EXPORT(kws_push) uint32_t kws_push(uint32_t samples) {
  if (samples > kPcmSamples) return static_cast<uint32_t>(Status::kOutOfRange);
  return static_cast<uint32_t>(g_pipeline.Push(g_pcm, samples, &HandOn, nullptr));
}

}  // namespace kws::web

// A page has no counter that is worth reading at every frame: it times whole pieces of audio itself.
uint32_t kws::board::Ticks() { return 0; }
