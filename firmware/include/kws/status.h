// Result of every operation that can fail. A failed check returns; it never only logs.
//
// DO NOT EDIT. Generated from training/kws_reference/protocol/messages.py, where to change it; then regenerate:
// python -m kws_codegen.protocol --overwrite
#pragma once

#include <cstdint>

namespace kws {

enum class [[nodiscard]] Status : uint8_t {
  kOk = 0,
  kInvalidArgument = 1,  // a parameter is outside its documented range
  kOutOfRange = 2,  // a size does not fit the caller's buffer
  kUnavailable = 3,  // the board or the build does not offer this
  kDataLoss = 4,  // bytes arrived corrupted or truncated
  kBusy = 5,  // the other side must drain first
  kFailedPrecondition = 6,  // called in the wrong state, for example before Init()
  kInternal = 7,  // a check that cannot fail did; please report it
};

constexpr bool IsOk(Status status) { return status == Status::kOk; }

// Short name of `status` for messages, never null.
constexpr const char* StatusName(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kInvalidArgument:
      return "invalid argument";
    case Status::kOutOfRange:
      return "out of range";
    case Status::kUnavailable:
      return "unavailable";
    case Status::kDataLoss:
      return "data loss";
    case Status::kBusy:
      return "busy";
    case Status::kFailedPrecondition:
      return "failed precondition";
    case Status::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace kws
