// A board that lies in memory, for fuzzing the firmware in one process: a serial port that gives the bytes of an input
// and keeps the frames that the firmware sends, a microphone, and restarts and faults that the fuzzer survives.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kws::fuzz {

// Ends the program with what was found.
void Check(bool condition, const char* what);

// A frame that the firmware sent.
struct Sent {
  uint8_t type;
  uint16_t seq;
  std::vector<uint8_t> payload;
};

// How the board behaves; an input's first byte.
enum Option : uint8_t {
  kNoMicrophone = 1,
  kMicrophoneBreaks = 2,  // it starts once
  kStepFails = 4,  // the engine's fourth step since a reset
  kInitFails = 8,
  kSettingsFail = 32,  // they cannot be saved
  kSlowCore = 16,  // between two pieces of audio there are 32 looks at the serial port
};

struct Board {
  jmp_buf start;  // where Restart() goes on
  uint8_t options = 0;
  const uint8_t* input = nullptr;  // what the serial port has still to give
  size_t input_bytes = 0;
  std::vector<Sent> sent;  // since it was last looked at
  uint32_t restarts = 0;
  uint32_t microphone_starts = 0;
  size_t microphone_samples = 0;  // that are left
  std::vector<uint8_t> settings;  // that outlast restarts

  // A new input: the board as after power-on. Its options are the first byte.
  void Start(const uint8_t* data, size_t size);
};

extern Board g_board;

// Lets an undefined instruction restart the board, as a fault handler does.
void CatchFaults();

// What the made-up model asks (fake_model.cc).
bool StepFails();
bool InitFails();

}  // namespace kws::fuzz
