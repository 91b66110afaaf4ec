// Numbers of the serial link that host and firmware share. host/PROTOCOL.md is the specification.
//
// DO NOT EDIT. Generated from training/kws_reference/protocol/messages.py, where to change it; then regenerate:
// python -m kws_codegen.protocol --overwrite
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws {

inline constexpr uint8_t kProtocolVersion = 1;
inline constexpr size_t kFrameHeaderBytes = 4;
inline constexpr size_t kFrameCrcBytes = 4;
inline constexpr size_t kMaxPayloadBytes = 768;

// Bytes of payloads without the items that follow their counts.
inline constexpr size_t kStepFixedBytes = 26;
inline constexpr size_t kStateDigestFixedBytes = 5;
inline constexpr size_t kBenchFixedBytes = 39;
inline constexpr size_t kNamesFixedBytes = 6;
inline constexpr size_t kDetectorFixedBytes = 11;
inline constexpr size_t kAudioHeardFixedBytes = 6;

// Levels of each label in SET_DETECTOR and DETECTOR.
inline constexpr size_t kLevelsPerLabel = 4;

// Most layers whose ticks BENCH can count.
inline constexpr size_t kMaxProfiledLayers = 64;

// Keys of RESTART and TEST_FAULT: guard against a stray byte stream doing either.
inline constexpr uint32_t kRestartKey = 0x54525354;
inline constexpr uint32_t kTestFaultKey = 0x544C4146;

// Of bulk files.
inline constexpr uint32_t kBulkVersion = 1;
inline constexpr uint8_t kNoLabel = 255;

// Types below 0x80 go from the host to the device (requests), the others from the device to the host. An answer carries
// the request's seq. Every request may be repeated without harm.
enum class MessageType : uint8_t {
  // Requests.
  kGetInfo = 0x01,  // who is there
  kReset = 0x02,  // forget all audio
  kAudio = 0x03,  // a piece of PCM
  kConfigure = 0x04,  // what STEP and BENCH hold
  kGetBench = 0x05,  // sums of ticks
  kGetStats = 0x06,  // counters and memory
  kGetFault = 0x07,  // the last processor fault
  kGetNames = 0x08,  // labels, states or layers
  kRestart = 0x09,  // reset the chip
  kTestFault = 0x0A,  // fault on purpose
  kSetSource = 0x0B,  // where PCM comes from
  kSetDetector = 0x0C,  // thresholds and smoothing
  kGetDetector = 0x0D,  // thresholds and smoothing that hold
  // Answers.
  kInfo = 0x81,  // what runs on the device
  kResetDone = 0x82,  // all audio is forgotten
  kCredit = 0x83,  // how much audio may be sent
  kConfigured = 0x84,  // the flags that hold now
  kBench = 0x85,  // sums of ticks over the steps since RESET
  kStats = 0x86,  // counters since start-up (they wrap at 2^32), and memory
  kFault = 0x87,  // registers of the last processor fault
  kNames = 0x88,  // names of one kind, as many as fit
  kSource = 0x89,  // where PCM comes from now
  kDetector = 0x8A,  // thresholds and smoothing that hold now
  // Events.
  kHello = 0x90,  // the firmware (re)started
  kStep = 0x91,  // results of one step
  kDetection = 0x92,  // the detector raised a detection
  kStateDigest = 0x93,  // the network's states after a step
  kFrontendDigest = 0x94,  // what the stages of the front end computed in a step
  kAudioHeard = 0x95,  // a piece of the PCM that the front end took
  kError = 0x9F,  // a request that the device refuses
};

enum class ErrorCode : uint8_t {
  kBadVersion = 1,  // the frame has another protocol version; detail: the device's
  kUnknownType = 2,  // no such request; detail: 0
  kBadPayload = 3,  // the payload's length, or a value in it, is wrong; detail: its length
  kAudioGap = 4,  // AUDIO starts behind the end of the last one; detail: the offset to go on from
  kAudioOverrun = 5,  // AUDIO beyond the granted credit, dropped; detail: the credit's limit
  kUnavailable = 6,  // not offered, or not now; detail: 0, or the status of the microphone or of the settings' memory
  kEngine = 7,  // the engine's start or a step failed; detail: its status
};

// Bits of CONFIGURE.
inline constexpr uint8_t kConfigFeatures = 1;  // STEP carries the features
inline constexpr uint8_t kConfigStateDigests = 2;  // a STATE_DIGEST follows each STEP
inline constexpr uint8_t kConfigProfile = 4;  // BENCH counts each layer (makes the engine a little slower)
inline constexpr uint8_t kConfigFrontendDigests = 8;  // a FRONTEND_DIGEST follows each STEP (front end `micro`)
inline constexpr uint8_t kConfigAudio =
    16;  // AUDIO_HEARD brings what the front end takes, before the STEP that it completes
inline constexpr uint8_t kConfigAll =
    kConfigFeatures | kConfigStateDigests | kConfigProfile | kConfigFrontendDigests | kConfigAudio;

// What GET_NAMES asks for.
enum class NamesKind : uint8_t {
  kLabels = 0,  // labels, in the order of the scores
  kStates = 1,  // states, in tensor order
  kLayers = 2,  // layers, in the order in which a step runs them
};

// Unit of the device's ticks.
enum class ClockKind : uint8_t {
  kNone = 0,  // no clock: ticks stay 0
  kInstructions = 1,  // executed instructions (emulated boards)
  kCycles = 2,  // cycles of the core's clock
};

// Where PCM comes from.
enum class SourceKind : uint8_t {
  kHost = 0,  // the host, by AUDIO
  kMicrophone = 1,  // the board's microphone; AUDIO is refused with UNAVAILABLE
};

// What SET_DETECTOR does with its settings.
enum class DetectorAction : uint8_t {
  kUse = 0,  // they hold until the next start
  kKeep = 1,  // they hold, and are kept over the next start
  kForget = 2,  // the generated ones hold again, and nothing is kept; the other fields are not looked at
};

// Where the detector's settings come from.
enum class SettingsOrigin : uint8_t {
  kGenerated = 0,  // as the firmware was generated
  kSet = 1,  // set since the start
  kKept = 2,  // kept, and so after the next start
};

}  // namespace kws
