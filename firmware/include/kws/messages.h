// Messages of the serial link: their fields, how they are written, and how requests are read.
//
// DO NOT EDIT. Generated from training/kws_reference/protocol/messages.py, where to change it; then regenerate:
// python -m kws_codegen.protocol --overwrite
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/board.h"
#include "kws/fault.h"
#include "kws/frame.h"
#include "kws/payload_reader.h"
#include "kws/protocol.h"

namespace kws {

// INFO: what runs on the device.
struct InfoMessage {
  board::TickInfo clock;
  uint32_t sample_rate_hz;
  uint16_t window_samples;
  uint16_t hop_samples;
  uint8_t frames_per_step;  // not 0
  uint8_t feature_count;  // of one frame
  uint8_t label_count;
  uint8_t state_count;
  uint16_t layer_count;  // 0: the engine cannot tell
  uint32_t credit_window_bytes;  // most PCM that may be under way
  uint32_t state_bytes;  // engine RAM kept between steps
  uint32_t scratch_bytes;  // engine RAM used inside a step
  uint32_t weights_bytes;  // flash
  uint32_t stack_size_bytes;  // 0: not measured on this board
  const uint8_t* model_sha256;  // [32], of `model.tflite`
  const char* firmware_version;
  const char* board;
  const char* engine;
  const char* model_name;
};

// STEP: results of one step. Scores and features are raw int8 bytes in Python.
struct StepMessage {
  uint32_t step;  // since RESET, from 0
  uint32_t audio_crc;  // CRC-32 of the PCM bytes since RESET up to the end of the step's last window
  uint32_t frontend_ticks;  // of the step's frames
  uint32_t engine_ticks;
  uint32_t detector_ticks;
  uint8_t top_label;  // label with the largest smoothed posterior
  uint16_t top_smoothed_q15;  // its smoothed posterior, 0 to 32767
  const int8_t* scores;  // [score_count], one per label
  uint8_t score_count;
  const int8_t* features;  // [feature_count], of every frame of the step; none unless CONFIGURE asks for them
  uint16_t feature_count;
};

// DETECTION: the detector raised a detection.
struct DetectionMessage {
  uint32_t step;  // since RESET, from 0
  uint8_t label;
  uint16_t smoothed_q15;  // its smoothed posterior, 0 to 32767
};

// BENCH: sums of ticks over the steps since RESET, of layers from one on.
struct BenchMessage {
  uint32_t steps;  // since RESET
  uint64_t frontend_ticks;  // sum over the steps
  uint64_t engine_ticks;  // likewise
  uint64_t detector_ticks;  // likewise
  uint16_t first_layer;
  const uint32_t* layer_ticks;  // [layer_tick_count], sums modulo 2^32; zeros unless CONFIGURE asks for them
  uint8_t layer_tick_count;
  uint64_t awake_ticks;  // since RESET, outside of the core's sleep
};

// STATS: counters since start-up (they wrap at 2^32) and memory figures.
struct StatsMessage {
  uint32_t frames_ok;
  uint32_t frames_bad_cobs;
  uint32_t frames_too_short;
  uint32_t frames_too_long;
  uint32_t frames_bad_crc;
  uint32_t frames_repeated;  // type and seq of the request before
  uint32_t errors_sent;
  uint32_t serial_overruns;  // bytes that the port lost
  uint32_t audio_gaps;
  uint32_t audio_overruns;
  uint32_t audio_repeated_bytes;
  uint32_t steps;
  uint32_t detections;
  uint32_t stack_size_bytes;
  uint32_t stack_used_bytes;
  uint32_t state_bytes;
  uint32_t scratch_bytes;
  uint32_t weights_bytes;
  uint32_t frontend_bytes;
  uint32_t detector_bytes;
  uint32_t link_bytes;
  uint32_t audio_ring_bytes;
  uint32_t microphone_samples;  // taken from the microphone since it was started
  uint32_t microphone_lost_samples;  // that it dropped since then: nobody fetched them in time
};

// Each writes one payload into a frame that Begin() has started.
void Write(const InfoMessage& message, FrameWriter& out);
void Write(const StepMessage& message, FrameWriter& out);
void Write(const DetectionMessage& message, FrameWriter& out);
void Write(const BenchMessage& message, FrameWriter& out);
void Write(const StatsMessage& message, FrameWriter& out);
// FAULT: registers of the last processor fault. All addresses are the board's.
void WriteFault(uint32_t count, const FaultRecord& record, FrameWriter& out);
// CREDIT: how far the device has come, and how far the host may go.
void WriteCredit(uint32_t received_bytes, uint32_t limit_bytes, FrameWriter& out);
// ERROR: a request that the device refuses.
void WriteError(ErrorCode code, uint8_t request_type, uint32_t detail, FrameWriter& out);
// HELLO: the firmware (re)started.
void WriteHello(uint32_t starts, uint32_t faults, FrameWriter& out);
// STATE_DIGEST: CRC-32 of every state after a step.
void WriteStateDigest(uint32_t step, const uint32_t* crcs, uint8_t crc_count, FrameWriter& out);
// FRONTEND_DIGEST: CRC-32 of what every stage of the front end computed in a step, and the time that it took.
void WriteFrontendDigest(uint32_t step, const uint32_t* crcs, uint8_t crc_count, const uint32_t* ticks,
                         uint8_t tick_count, FrameWriter& out);

// CONFIGURED: the flags that hold now.
inline void WriteConfigured(uint8_t flags, FrameWriter& out) { out.U8(flags); }

// NAMES: names of a kind, from one on, as many as fit one frame. The names follow, each by String().
inline void WriteNames(uint8_t kind, uint16_t total, uint16_t first, uint8_t name_count, FrameWriter& out) {
  out.U8(kind);
  out.U16(total);
  out.U16(first);
  out.U8(name_count);
}

// SOURCE: where PCM comes from now.
inline void WriteSource(uint8_t kind, FrameWriter& out) { out.U8(kind); }

// DETECTOR: settings that hold, and the levels of as many labels as fit, from one on. The levels follow, each by U16().
inline void WriteDetector(uint8_t origin, uint8_t max_smoothing_steps, uint8_t smoothing_steps, uint8_t run_steps,
                          uint16_t refractory_steps, uint16_t quiet_steps, uint8_t first_label, uint16_t level_count,
                          FrameWriter& out) {
  out.U8(origin);
  out.U8(max_smoothing_steps);
  out.U8(smoothing_steps);
  out.U8(run_steps);
  out.U16(refractory_steps);
  out.U16(quiet_steps);
  out.U8(first_label);
  out.U16(level_count);
}

// AUDIO_HEARD: a piece of the PCM that the front end took, from the host or from the microphone. The PCM follows, by
// Bytes().
inline void WriteAudioHeard(uint32_t first_sample, uint16_t pcm_count, FrameWriter& out) {
  out.U32(first_sample);
  out.U16(pcm_count);
}

// Each reads one request's fields; in.Complete() must confirm them.
// AUDIO: PCM that starts at an offset. The rest is the PCM.
inline void ReadAudio(PayloadReader& in, uint32_t* offset_bytes) { *offset_bytes = in.U32(); }

// CONFIGURE: chooses what STEP and BENCH hold.
inline void ReadConfigure(PayloadReader& in, uint8_t* flags) { *flags = in.U8(); }

// GET_BENCH: sums of the layers from one on.
inline void ReadGetBench(PayloadReader& in, uint16_t* first_layer) { *first_layer = in.U16(); }

// GET_DETECTOR: settings of the detector, with levels from one label on.
inline void ReadGetDetector(PayloadReader& in, uint8_t* first_label) { *first_label = in.U8(); }

// GET_NAMES: names of one kind from one on.
inline void ReadGetNames(PayloadReader& in, uint8_t* kind, uint16_t* first) {
  *kind = in.U8();
  *first = in.U16();
}

// SET_DETECTOR: settings of the detector, and the levels of some labels, from one on. The rest is the levels, u16 each.
inline void ReadSetDetector(PayloadReader& in, uint8_t* action, uint8_t* smoothing_steps, uint8_t* run_steps,
                            uint16_t* refractory_steps, uint16_t* quiet_steps, uint8_t* first_label) {
  *action = in.U8();
  *smoothing_steps = in.U8();
  *run_steps = in.U8();
  *refractory_steps = in.U16();
  *quiet_steps = in.U16();
  *first_label = in.U8();
}

// SET_SOURCE: where PCM comes from. Forgets all audio, as RESET does.
inline void ReadSetSource(PayloadReader& in, uint8_t* kind, uint16_t* gain_q8, uint8_t* remove_dc) {
  *kind = in.U8();
  *gain_q8 = in.U16();
  *remove_dc = in.U8();
}

}  // namespace kws
