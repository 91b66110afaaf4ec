// Seam between the engine's portable half (tflm_engine.cc) and the interpreter (tflm_runtime.cc).
//
// Only tflm_runtime.cc includes TensorFlow Lite for Microcontrollers. Tests link tflm_engine.cc with an interpreter of
// their own behind the same functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws::engine::tflm {

// One fed-back tensor: positions in the interpreter's lists of inputs and outputs.
struct StatePort {
  size_t input;
  size_t output;
  size_t size_bytes;
  int8_t reset_value;
};

// What the generated model says, and the memory that it needs.
struct Model {
  size_t features_input;
  size_t scores_output;
  const StatePort* states;  // in the order of kws::model::kStates
  size_t state_count;
  int8_t* state_memory;  // all states behind each other, state_memory_bytes in all
  size_t state_memory_bytes;
  size_t flatbuffer_bytes;
};

struct Tensor {
  int8_t* data;  // nullptr: no such tensor, or not int8
  size_t size_bytes;
};

// The model linked into this image. Valid at any time.
const Model& TheModel();

// Builds the interpreter and allocates its tensors from the static arena.
//   kOk, also when called again
//   kFailedPrecondition  the flatbuffer is of another schema version
//   kOutOfRange          the arena is too small, or an operator is missing (the interpreter's log says which)
Status Start();

// Tensors of the interpreter, after a successful Start(). Their memory is the interpreter's: Invoke() may overwrite
// inputs, and outputs are valid only until the next Invoke().
Tensor Input(size_t index);
Tensor Output(size_t index);

// Runs the graph once.
//   kOk, kInternal (an operator failed; the interpreter's log says which)
Status Invoke();

// Bytes of the arena in use, after a successful Start().
size_t ArenaUsedBytes();

// Operators that one Invoke() runs, known after the first Invoke(), and their names ("" for an unknown one).
size_t OperatorCount();
const char* OperatorName(size_t index);

// From the next Invoke() on, adds each operator's cost to op_ticks[index]. nullptr switches off.
void SetOperatorProfile(uint32_t* op_ticks, uint32_t (*ticks)());

}  // namespace kws::engine::tflm
