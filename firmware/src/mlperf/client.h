// Answers the commands of MLPerf Tiny's benchmark runner (host/MLPERF.md): loads an input, runs the network on it,
// tells how long that took and what came out. Main thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"
#include "mlperf/command_reader.h"
#include "mlperf/input_buffer.h"
#include "mlperf/lap_clock.h"
#include "mlperf/printer.h"
#include "mlperf/words.h"
#include "model_info.h"

namespace kws::mlperf {

// One serial port. Place it in static memory. Uses the engine and the board that are linked.
class Client {
 public:
  // `clock_hz`: of the core, 0 where nobody knows it: then there are no laps.
  Client(Printer::WriteFn write, uint32_t clock_hz) : out_(write), clock_hz_(clock_hz) {}

  // The firmware has started: forgets all that was loaded and says so. `engine_status` is what engine::Init() returned.
  void Start(Status engine_status);

  // Takes one byte, and answers the command that it ended.
  void Receive(uint8_t byte);

 private:
  struct Command;
  static const Command kCommands[];

  void Answer(char* command);
  void Name(Words& words);
  void Profile(Words& words);
  void Help(Words& words);
  void Timestamp(Words& words);
  void Load(Words& words);
  void LoadBytes(const char* digits);
  void ExpectBytes(const char* count);
  void PrintBytes();
  void Infer(Words& words);
  void Results(Words& words);

  // One inference: all loaded steps, from reset states on.
  Status RunModel();
  void PrintLap();
  // A line that says what is wrong: e-[text detail].
  void Error(const char* text, const char* detail = "");

  Printer out_;
  uint32_t clock_hz_;
  CommandReader reader_;
  InputBuffer input_;
  LapClock clock_;
  Status engine_status_ = Status::kFailedPrecondition;
  bool has_results_ = false;
  int8_t scores_[model::kLabelCount] = {};
};

}  // namespace kws::mlperf
