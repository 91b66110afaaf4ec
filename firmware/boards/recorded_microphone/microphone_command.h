// What the command line of an emulator's host says of the microphone of an emulated board. Private to firmware/boards.
//
//   microphone FILE INSTRUCTIONS JITTER LOOPS
//
//   FILE          int16 samples, little-endian
//   INSTRUCTIONS  of the core between two blocks
//   JITTER        parts of 1,000 of that by which a block may be early or late
//   LOOPS         how often the file is played; 0: for ever
//
// "settings FILE" may follow (settings_file.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kws/command_words.h"
#include "kws/semihosting.h"
#include "kws/status.h"

namespace kws {

// Samples that the emulated hardware brings at once: 10 ms at 16 kHz.
inline constexpr size_t kMicrophoneBlockSamples = 160;

struct MicrophoneCommand {
  const char* file;
  uint32_t instructions;
  uint32_t jitter;
  uint32_t loops;
};

// Reads it. `file` holds until the command line is read again.
//   kOk; kUnavailable: there is no such command line; kInvalidArgument: it is not as above
inline Status ReadMicrophoneCommand(MicrophoneCommand* microphone) {
  constexpr size_t kWords = 5, kWordsOfSettings = 2;
  const char* words[kWords + kWordsOfSettings] = {};
  size_t count = 0;
  if (!IsOk(semihosting::CommandWords(words, kWords + kWordsOfSettings, &count)) || count == 0) {
    return Status::kUnavailable;
  }
  if (std::strcmp(words[0], "microphone") != 0) return Status::kUnavailable;
  if (count == kWords + kWordsOfSettings && std::strcmp(words[kWords], "settings") == 0) count = kWords;
  if (count != kWords) return Status::kInvalidArgument;
  microphone->file = words[1];
  const bool are_numbers = ReadNumber(words[2], &microphone->instructions) &&
                           ReadNumber(words[3], &microphone->jitter) && ReadNumber(words[4], &microphone->loops);
  return are_numbers && microphone->jitter < 1000 ? Status::kOk : Status::kInvalidArgument;
}

}  // namespace kws
