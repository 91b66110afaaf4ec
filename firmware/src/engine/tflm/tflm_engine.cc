// Engine `tflm`, the half that knows nothing of the interpreter: states, reset, digests, profile.
//
// The interpreter plans the memory of its input tensors together with everything else, so inputs do not survive an
// Invoke(). The states therefore live in static memory of our own: copied in before, copied out after.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/tflm/interpreter.h"
#include "kws/engine.h"
#include "kws/status.h"
#include "model_info.h"

namespace kws::engine {
namespace {

bool g_ready;

// Where state `index` begins in the state memory.
int8_t* StateMemory(const tflm::Model& model, size_t index) {
  size_t offset = 0;
  for (size_t i = 0; i < index; ++i) offset += model.states[i].size_bytes;
  return model.state_memory + offset;
}

bool HasSize(const tflm::Tensor& tensor, size_t size_bytes) {
  return tensor.data != nullptr && tensor.size_bytes == size_bytes;
}

// The generated constants and the flatbuffer must describe the same tensors.
Status CheckTensors(const tflm::Model& model) {
  if (model.state_count != model::kStateCount) return Status::kFailedPrecondition;
  size_t total = 0;
  for (size_t i = 0; i < model.state_count; ++i) {
    const tflm::StatePort& port = model.states[i];
    if (port.size_bytes != model::kStates[i].size || !HasSize(tflm::Input(port.input), port.size_bytes) ||
        !HasSize(tflm::Output(port.output), port.size_bytes)) {
      return Status::kFailedPrecondition;
    }
    total += port.size_bytes;
  }
  if (total > model.state_memory_bytes) return Status::kOutOfRange;
  if (!HasSize(tflm::Input(model.features_input), model::kStepFeatureCount) ||
      !HasSize(tflm::Output(model.scores_output), model::kLabelCount)) {
    return Status::kFailedPrecondition;
  }
  return Status::kOk;
}

Status RunOnce(const tflm::Model& model, const int8_t* features) {
  for (size_t i = 0; i < model.state_count; ++i) {
    std::memcpy(tflm::Input(model.states[i].input).data, StateMemory(model, i), model.states[i].size_bytes);
  }
  std::memcpy(tflm::Input(model.features_input).data, features, model::kStepFeatureCount);
  return tflm::Invoke();
}

}  // namespace

const char* Name() { return "tflm"; }

Status Init() {
  g_ready = false;
  if (const Status status = tflm::Start(); !IsOk(status)) return status;
  if (const Status status = CheckTensors(tflm::TheModel()); !IsOk(status)) return status;
  g_ready = true;
  Reset();
  // One run whose results nobody keeps: it proves that every operator works, and names them for LayerName().
  int8_t features[model::kStepFeatureCount] = {};
  const Status status = RunOnce(tflm::TheModel(), features);
  g_ready = IsOk(status);
  return status;
}

void Reset() {
  if (!g_ready) return;
  const tflm::Model& model = tflm::TheModel();
  for (size_t i = 0; i < model.state_count; ++i) {
    std::memset(StateMemory(model, i), model.states[i].reset_value, model.states[i].size_bytes);
  }
}

Status Step(const int8_t* features, int8_t* scores) {
  if (!g_ready) return Status::kFailedPrecondition;
  const tflm::Model& model = tflm::TheModel();
  if (const Status status = RunOnce(model, features); !IsOk(status)) return status;
  for (size_t i = 0; i < model.state_count; ++i) {
    std::memcpy(StateMemory(model, i), tflm::Output(model.states[i].output).data, model.states[i].size_bytes);
  }
  std::memcpy(scores, tflm::Output(model.scores_output).data, model::kLabelCount);
  return Status::kOk;
}

size_t ReadState(size_t state, size_t offset, int8_t* out, size_t n) {
  const tflm::Model& model = tflm::TheModel();
  if (!g_ready || state >= model.state_count || offset >= model.states[state].size_bytes) return 0;
  const size_t left = model.states[state].size_bytes - offset;
  const size_t count = n < left ? n : left;
  std::memcpy(out, StateMemory(model, state) + offset, count);
  return count;
}

BufferSizes Buffers() {
  const tflm::Model& model = tflm::TheModel();
  BufferSizes sizes{};
  for (size_t i = 0; i < model.state_count; ++i) sizes.state_bytes += static_cast<uint32_t>(model.states[i].size_bytes);
  sizes.scratch_bytes = g_ready ? static_cast<uint32_t>(tflm::ArenaUsedBytes()) : 0;
  sizes.weights_bytes = static_cast<uint32_t>(model.flatbuffer_bytes);
  return sizes;
}

size_t LayerCount() { return tflm::OperatorCount(); }

const char* LayerName(size_t layer) { return tflm::OperatorName(layer); }

void SetProfile(uint32_t* layer_ticks, uint32_t (*ticks)()) { tflm::SetOperatorProfile(layer_ticks, ticks); }

}  // namespace kws::engine
