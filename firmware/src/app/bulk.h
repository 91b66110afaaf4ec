// Whole data sets without the serial port: recordings from a file of the emulator's host, results into another.
// host/PROTOCOL.md, "Bulk files", has the formats.
#pragma once

#include "app/pipeline.h"
#include "kws/status.h"

namespace kws::app {

// Reads `in`, writes `out`. The pipeline's status() must be kOk.
//   kOk; kInvalidArgument: a file cannot be opened or `in` is no bulk file; kDataLoss: `in` is cut off or `out` cannot
//   be written; else what the engine returned.
Status RunBulk(Pipeline& pipeline, const char* in, const char* out);

// Runs the semihosting command line when it asks for something ("bulk IN OUT") and ends the program with status 0, or 1
// after an error (told on the emulator's standard error). Returns where there is no such command line.
void RunCommandLine(Pipeline& pipeline);

}  // namespace kws::app
