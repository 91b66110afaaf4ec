// Engine `tflm`, the half that talks to TensorFlow Lite for Microcontrollers. Everything that can be elsewhere is in
// tflm_engine.cc and tflm_log.cc, which are tested without the interpreter.
#include <cstddef>
#include <cstdint>
#include <new>

#include "engine/tflm/interpreter.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tflm_model.h"

// Room for the interpreter's tensors and bookkeeping. The released models use 38,540 to 47,612 bytes of it (59 to 73 %;
// which kernels the tree has decides): the board reports the bytes in use (Buffers().scratch_bytes), and Init() fails
// with kOutOfRange where they do not suffice.
#if !defined(KWS_TFLM_ARENA_BYTES)
#define KWS_TFLM_ARENA_BYTES (64 * 1024)
#endif

namespace kws::engine::tflm {
namespace {

constexpr size_t kMaxOperators = 256;
constexpr uint32_t kSchemaVersion = 3;

constexpr size_t TotalStateBytes() {
  size_t total = 0;
  for (size_t i = 0; i < model::kStateCount; ++i) total += tflm_model::kStatePairs[i].bytes;
  return total;
}

struct StatePorts {
  StatePort ports[model::kStateCount + 1];
};

constexpr StatePorts MakeStatePorts() {
  StatePorts result{};
  for (size_t i = 0; i < model::kStateCount; ++i) {
    const tflm_model::StatePair& pair = tflm_model::kStatePairs[i];
    result.ports[i] = {pair.input, pair.output, pair.bytes, pair.reset_value};
  }
  return result;
}

constexpr StatePorts kStatePorts = MakeStatePorts();

// Hears of every operator of an Invoke(), in order.
class Profiler final : public tflite::MicroProfilerInterface {
 public:
  void StartRun() { index_ = 0; }
  void SetTicks(uint32_t* op_ticks, uint32_t (*ticks)()) {
    op_ticks_ = op_ticks;
    ticks_ = op_ticks != nullptr ? ticks : nullptr;
  }
  size_t count() const { return count_; }
  const char* name(size_t index) const { return index < count_ ? names_[index] : ""; }

  uint32_t BeginEvent(const char* tag) override {
    const size_t index = index_++;
    if (index >= kMaxOperators) return static_cast<uint32_t>(kMaxOperators);
    if (index >= count_) {
      names_[index] = tag;
      count_ = index + 1;
    }
    if (ticks_ != nullptr) begin_ = ticks_();
    return static_cast<uint32_t>(index);
  }

  void EndEvent(uint32_t event) override {
    if (ticks_ != nullptr && event < kMaxOperators) op_ticks_[event] += ticks_() - begin_;
  }

 private:
  size_t index_ = 0;
  size_t count_ = 0;
  uint32_t* op_ticks_ = nullptr;
  uint32_t (*ticks_)() = nullptr;
  uint32_t begin_ = 0;
  const char* names_[kMaxOperators] = {};
};

// Built by Start() in static memory and never destroyed.
template <typename T>
struct Storage {
  alignas(T) unsigned char bytes[sizeof(T)];
};

alignas(16) uint8_t g_arena[KWS_TFLM_ARENA_BYTES];
alignas(16) int8_t g_states[TotalStateBytes() + 1];
Storage<Profiler> g_profiler_storage;
Storage<tflm_model::OpResolver> g_resolver_storage;
Storage<tflite::MicroInterpreter> g_interpreter_storage;
Profiler* g_profiler;
tflite::MicroInterpreter* g_interpreter;

Tensor AsInt8(TfLiteTensor* tensor) {
  if (tensor == nullptr || tensor->type != kTfLiteInt8) return {nullptr, 0};
  return {tensor->data.int8, tensor->bytes};
}

}  // namespace

const Model& TheModel() {
  static constexpr Model kModel = {
      tflm_model::kFeaturesInput, tflm_model::kScoresOutput, kStatePorts.ports, model::kStateCount, g_states,
      TotalStateBytes(),          tflm_model::kModelSize};
  return kModel;
}

Status Start() {
  if (g_interpreter != nullptr) return Status::kOk;
  const tflite::Model* flatbuffer = tflite::GetModel(tflm_model::kModelData);
  if (flatbuffer->version() != kSchemaVersion) return Status::kFailedPrecondition;
  auto* resolver = new (g_resolver_storage.bytes) tflm_model::OpResolver();
  if (tflm_model::RegisterOps(*resolver) != kTfLiteOk) return Status::kOutOfRange;
  g_profiler = new (g_profiler_storage.bytes) Profiler();
  auto* interpreter = new (g_interpreter_storage.bytes)
      tflite::MicroInterpreter(flatbuffer, *resolver, g_arena, sizeof(g_arena), nullptr, g_profiler);
  if (interpreter->AllocateTensors() != kTfLiteOk) return Status::kOutOfRange;
  g_interpreter = interpreter;
  return Status::kOk;
}

Tensor Input(size_t index) {
  if (g_interpreter == nullptr || index >= g_interpreter->inputs_size()) return {nullptr, 0};
  return AsInt8(g_interpreter->input(index));
}

Tensor Output(size_t index) {
  if (g_interpreter == nullptr || index >= g_interpreter->outputs_size()) return {nullptr, 0};
  return AsInt8(g_interpreter->output(index));
}

Status Invoke() {
  if (g_interpreter == nullptr) return Status::kInternal;
  g_profiler->StartRun();
  return g_interpreter->Invoke() == kTfLiteOk ? Status::kOk : Status::kInternal;
}

size_t ArenaUsedBytes() { return g_interpreter != nullptr ? g_interpreter->arena_used_bytes() : 0; }

size_t OperatorCount() { return g_profiler != nullptr ? g_profiler->count() : 0; }

const char* OperatorName(size_t index) { return g_profiler != nullptr ? g_profiler->name(index) : ""; }

void SetOperatorProfile(uint32_t* op_ticks, uint32_t (*ticks)()) {
  if (g_profiler != nullptr) g_profiler->SetTicks(op_ticks, ticks);
}

}  // namespace kws::engine::tflm

#if defined(__arm__) && !defined(ARDUINO)
// The interpreter's classes have virtual destructors, and so vtables that name operator delete. Nothing is ever
// deleted: there is no heap.
void operator delete(void*) noexcept {}
void operator delete(void*, size_t) noexcept {}
#endif
