// DO NOT EDIT. Generated from training/kws_reference/protocol/messages.py, where to change it; then regenerate:
// python -m kws_codegen.protocol --overwrite
#include "kws/messages.h"

namespace kws {

void Write(const InfoMessage& message, FrameWriter& out) {
  out.U8(message.clock.kind);
  out.U32(message.clock.numerator);
  out.U32(message.clock.denominator);
  out.U32(message.sample_rate_hz);
  out.U16(message.window_samples);
  out.U16(message.hop_samples);
  out.U8(message.frames_per_step);
  out.U8(message.feature_count);
  out.U8(message.label_count);
  out.U8(message.state_count);
  out.U16(message.layer_count);
  out.U16(kMaxPayloadBytes);
  out.U32(message.credit_window_bytes);
  out.U32(message.state_bytes);
  out.U32(message.scratch_bytes);
  out.U32(message.weights_bytes);
  out.U32(message.stack_size_bytes);
  out.Bytes(message.model_sha256, 32);
  out.String(message.firmware_version);
  out.String(message.board);
  out.String(message.engine);
  out.String(message.model_name);
}

void Write(const StepMessage& message, FrameWriter& out) {
  out.U32(message.step);
  out.U32(message.audio_crc);
  out.U32(message.frontend_ticks);
  out.U32(message.engine_ticks);
  out.U32(message.detector_ticks);
  out.U8(message.top_label);
  out.U16(message.top_smoothed_q15);
  out.U8(message.score_count);
  out.Bytes(message.scores, message.score_count);
  out.U16(message.feature_count);
  out.Bytes(message.features, message.feature_count);
}

void Write(const DetectionMessage& message, FrameWriter& out) {
  out.U32(message.step);
  out.U8(message.label);
  out.U16(message.smoothed_q15);
}

void Write(const BenchMessage& message, FrameWriter& out) {
  out.U32(message.steps);
  out.U64(message.frontend_ticks);
  out.U64(message.engine_ticks);
  out.U64(message.detector_ticks);
  out.U16(message.first_layer);
  out.U8(message.layer_tick_count);
  for (size_t i = 0; i < message.layer_tick_count; ++i) out.U32(message.layer_ticks[i]);
  out.U64(message.awake_ticks);
}

void Write(const StatsMessage& message, FrameWriter& out) {
  const uint32_t values[] = {
      message.frames_ok,      message.frames_bad_cobs,  message.frames_too_short,     message.frames_too_long,
      message.frames_bad_crc, message.frames_repeated,  message.errors_sent,          message.serial_overruns,
      message.audio_gaps,     message.audio_overruns,   message.audio_repeated_bytes, message.steps,
      message.detections,     message.stack_size_bytes, message.stack_used_bytes,     message.state_bytes,
      message.scratch_bytes,  message.weights_bytes,    message.frontend_bytes,       message.detector_bytes,
      message.link_bytes,     message.audio_ring_bytes, message.microphone_samples,   message.microphone_lost_samples,
  };
  for (const uint32_t value : values) out.U32(value);
}

void WriteFault(uint32_t count, const FaultRecord& record, FrameWriter& out) {
  const uint32_t values[] = {
      count,       record.type, record.pc,   record.lr,    record.sp,
      record.xpsr, record.cfsr, record.hfsr, record.mmfar, record.bfar,
  };
  for (const uint32_t value : values) out.U32(value);
}

void WriteCredit(uint32_t received_bytes, uint32_t limit_bytes, FrameWriter& out) {
  out.U32(received_bytes);
  out.U32(limit_bytes);
}

void WriteError(ErrorCode code, uint8_t request_type, uint32_t detail, FrameWriter& out) {
  out.U8(static_cast<uint8_t>(code));
  out.U8(request_type);
  out.U32(detail);
}

void WriteHello(uint32_t starts, uint32_t faults, FrameWriter& out) {
  out.U32(starts);
  out.U32(faults);
}

void WriteStateDigest(uint32_t step, const uint32_t* crcs, uint8_t crc_count, FrameWriter& out) {
  out.U32(step);
  out.U8(crc_count);
  for (size_t i = 0; i < crc_count; ++i) out.U32(crcs[i]);
}

void WriteFrontendDigest(uint32_t step, const uint32_t* crcs, uint8_t crc_count, FrameWriter& out) {
  out.U32(step);
  out.U8(crc_count);
  for (size_t i = 0; i < crc_count; ++i) out.U32(crcs[i]);
}

}  // namespace kws
