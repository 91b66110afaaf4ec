// Message types of the serial link and their payloads. host/PROTOCOL.md has the byte tables; change both together, and
// tests/vectors/link.txt with `python -m tests.tools.make_link_vectors --overwrite`.
//
// Types below 0x80 go from the host to the device (requests), the others from the device to the host. An answer carries
// the request's seq. Every request may be repeated without harm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/board.h"
#include "kws/frame.h"
#include "kws/status.h"

namespace kws {

enum class MessageType : uint8_t {
  // Requests.
  kGetInfo = 0x01,
  kReset = 0x02,
  kAudio = 0x03,
  kConfigure = 0x04,
  kGetBench = 0x05,
  kGetStats = 0x06,
  kGetFault = 0x07,
  kGetNames = 0x08,
  kRestart = 0x09,
  kTestFault = 0x0A,
  // Answers.
  kInfo = 0x81,
  kResetDone = 0x82,
  kCredit = 0x83,
  kConfigured = 0x84,
  kBench = 0x85,
  kStats = 0x86,
  kFault = 0x87,
  kNames = 0x88,
  // Events.
  kHello = 0x90,
  kStep = 0x91,
  kDetection = 0x92,
  kStateDigest = 0x93,
  kError = 0x9F,
};

enum class ErrorCode : uint8_t {
  kBadVersion = 1,  // the frame's protocol version is not ours; detail = ours
  kUnknownType = 2,  // no such request; detail = 0
  kBadPayload = 3,  // the payload's length or a value in it is wrong; detail = its length
  kAudioGap = 4,  // AUDIO does not continue where the last one ended; detail = the expected offset
  kAudioOverrun = 5,  // AUDIO beyond the granted credit; dropped; detail = the credit limit
  kUnavailable = 6,  // this build or mode does not offer it; detail = 0
  kEngine = 7,  // Init() or Step() of the engine failed; detail = Status
};

// Bits of CONFIGURE.
inline constexpr uint8_t kConfigFeatures = 1;  // STEP carries the features
inline constexpr uint8_t kConfigStateDigests = 2;  // a STATE_DIGEST follows each STEP
inline constexpr uint8_t kConfigProfile = 4;  // BENCH counts each layer (makes the engine a little slower)
inline constexpr uint8_t kConfigAll = kConfigFeatures | kConfigStateDigests | kConfigProfile;

// Payload of RESTART and TEST_FAULT: guards against a stray byte stream doing either.
inline constexpr uint32_t kRestartKey = 0x54525354;  // "TSRT"
inline constexpr uint32_t kTestFaultKey = 0x544C4146;  // "FALT"

struct InfoMessage {
  board::TickInfo clock;
  uint32_t sample_rate_hz;
  uint16_t window_samples;
  uint16_t hop_samples;
  uint8_t frames_per_step;
  uint8_t feature_count;  // of one frame
  uint8_t label_count;
  uint8_t state_count;
  uint16_t layer_count;
  uint32_t credit_window_bytes;  // most PCM bytes that may be under way
  uint32_t state_bytes;
  uint32_t scratch_bytes;
  uint32_t weights_bytes;
  uint32_t stack_size_bytes;  // 0: not measured on this board
  const uint8_t* model_sha256;  // [32]
  const char* firmware_version;
  const char* board;
  const char* engine;
  const char* model_name;
};

struct StepMessage {
  uint32_t step;  // since RESET, from 0
  uint32_t audio_crc;  // CRC-32 of the PCM bytes up to the end of the step's last window
  uint32_t frontend_ticks;
  uint32_t engine_ticks;
  uint32_t detector_ticks;
  uint8_t top_label;  // largest smoothed posterior
  uint16_t top_smoothed_q15;  // 0..32768
  const int8_t* scores;  // [score_count]
  uint8_t score_count;
  const int8_t* features;  // [feature_count], null when not asked for
  uint16_t feature_count;  // of the whole step, 0 when not asked for
};

struct DetectionMessage {
  uint32_t step;
  uint8_t label;
  uint16_t smoothed_q15;  // 1..32768
};

struct BenchMessage {
  uint32_t steps;  // since RESET
  uint64_t frontend_ticks;  // sums over the steps
  uint64_t engine_ticks;
  uint64_t detector_ticks;
  uint16_t first_layer;
  const uint32_t* layer_ticks;  // [layer_count], sums modulo 2^32; zeros unless kConfigProfile
  uint8_t layer_count;
};

// Counters since start-up; all saturate at no value, they wrap.
struct StatsMessage {
  uint32_t frames_ok;
  uint32_t frames_bad_cobs;
  uint32_t frames_too_short;
  uint32_t frames_too_long;
  uint32_t frames_bad_crc;
  uint32_t frames_repeated;  // same type and seq as the request before
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
};

// Each writes one payload into a frame that Begin() has started.
void Write(const InfoMessage& message, FrameWriter& out);
void Write(const StepMessage& message, FrameWriter& out);
void Write(const DetectionMessage& message, FrameWriter& out);
void Write(const BenchMessage& message, FrameWriter& out);
void Write(const StatsMessage& message, FrameWriter& out);
// `count` of faults since power-on (0: none; `record` is then all zeros).
void WriteFault(uint32_t count, const FaultRecord& record, FrameWriter& out);
// CREDIT and RESET_DONE: PCM bytes taken since RESET, and the offset up to which the host may send.
void WriteCredit(uint32_t received_bytes, uint32_t limit_bytes, FrameWriter& out);
void WriteError(ErrorCode code, uint8_t request_type, uint32_t detail, FrameWriter& out);
void WriteHello(uint32_t starts, uint32_t faults, FrameWriter& out);
void WriteStateDigest(uint32_t step, const uint32_t* crcs, uint8_t count, FrameWriter& out);

// Reads a request's payload front to back. A read past the end gives 0 and clears ok().
class PayloadReader {
 public:
  PayloadReader(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  uint8_t U8();
  uint16_t U16();
  uint32_t U32();
  const uint8_t* rest() const { return data_; }
  size_t left() const { return left_; }
  bool ok() const { return ok_; }
  // Everything was read and nothing was missing.
  bool Complete() const { return ok_ && left_ == 0; }

 private:
  const uint8_t* data_;
  size_t left_;
  bool ok_ = true;
};

}  // namespace kws
