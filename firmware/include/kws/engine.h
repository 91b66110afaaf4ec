// The neural network of the kit: int8 features of one step in, int8 scores out, with the streaming state kept inside.
//
// One engine is linked into an image. The build environment chooses which: `aot` (generated straight-line calls of
// int8 kernels, firmware/generated/aot_model.cc) or `tflm` (TensorFlow Lite for Microcontrollers' interpreter). Both
// compute the same integers as the reference interpreter, bit for bit.
//
// Sizes (kFeatureCount, kFramesPerStep, kLabelCount, state names and sizes) are constants of the generated
// model_info.h. No function allocates, blocks or may be called from an interrupt; callers serialise all calls.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kws/status.h"

namespace kws {
namespace engine {

// Name of the engine linked into this image: "aot" or "tflm".
const char* Name();

// Prepares the engine once after start-up, then does what Reset() does.
//   kOk
//   kFailedPrecondition: the generated model and the engine's sources do not belong together; regenerate the model
//   kOutOfRange: a static buffer is smaller than the kernels or the interpreter need
//   kInternal: the interpreter refused the model (tflm only)
Status Init();

// Forgets all audio: sets every state to its reset value. Needs a successful Init().
void Reset();

// Runs one step.
//   features: int8 [kFramesPerStep][kFeatureCount], oldest frame first, quantized as the model's feature input.
//             Read only during the call. Any alignment.
//   scores:   int8 [kLabelCount], written on kOk only.
//   kOk
//   kFailedPrecondition: no successful Init() yet
//   kInternal: the interpreter failed (tflm only)
Status Step(const int8_t* features, int8_t* scores);

// Copies `n` bytes of state `state` (index into kws::model::kStates) from byte `offset` on to `out`, in the order of
// the .tflite state tensor (oldest row first), whatever the engine's own layout is. States are those after the last
// Step() or Reset(). Returns the bytes copied: less than `n` at the end of the state, 0 for an unknown state.
size_t ReadState(size_t state, size_t offset, int8_t* out, size_t n);

// Exact sizes of the engine's static data.
struct BufferSizes {
  uint32_t state_bytes;    // RAM kept between steps: windows, rings, running sums (tflm: the state tensors)
  uint32_t scratch_bytes;  // RAM used only inside Step() (tflm: the interpreter's arena, as used)
  uint32_t weights_bytes;  // flash: weights, biases, requantization tables (tflm: the flatbuffer)
};
BufferSizes Buffers();

// Layers that SetProfile() accounts for, in the order in which Step() runs them; 0 when the engine does not offer it.
size_t LayerCount();

// Name of a layer, for example "block1.depthwise"; "" for an unknown one.
const char* LayerName(size_t layer);

// From the next Step() on, adds each layer's cost to layer_ticks[layer], as differences of `ticks` modulo 2^32.
//   layer_ticks: uint32 [LayerCount()], kept by the caller until SetProfile(nullptr, nullptr); nullptr switches off.
//   ticks: a free-running counter. Must not be null when layer_ticks is not.
// Step() costs nothing noticeable when no profile is set.
void SetProfile(uint32_t* layer_ticks, uint32_t (*ticks)());

}  // namespace engine
}  // namespace kws
