#include "engine/tflm/tflm_log.h"

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "kws/board.h"
#include "tensorflow/lite/micro/debug_log.h"

namespace kws::engine::tflm {
namespace {

class Writer {
 public:
  Writer(char* out, size_t capacity) : out_(out), capacity_(capacity) {}

  void Put(char c) {
    if (length_ + 1 < capacity_) out_[length_] = c;
    ++length_;
  }
  void Put(const char* text) {
    for (; *text != '\0'; ++text) Put(*text);
  }
  void PutUnsigned(uint64_t value, unsigned base) {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    while (count > 0) Put(digits[--count]);
  }
  size_t Finish() {
    if (capacity_ > 0) out_[length_ < capacity_ ? length_ : capacity_ - 1] = '\0';
    return length_;
  }

 private:
  char* out_;
  size_t capacity_;
  size_t length_ = 0;
};

enum class Width : uint8_t { kInt, kLong, kLongLong, kSize };

bool IsOneOf(char c, const char* set) {
  for (; *set != '\0'; ++set) {
    if (c == *set) return true;
  }
  return false;
}

}  // namespace

size_t FormatLog(char* out, size_t capacity, const char* format, va_list arguments) {
  Writer writer(out, capacity);
  va_list list;
  va_copy(list, arguments);
  const char* p = format;
  while (*p != '\0') {
    if (*p != '%') {
      writer.Put(*p++);
      continue;
    }
    const char* start = p++;
    while (IsOneOf(*p, "-+ #0123456789.")) ++p;
    Width width = Width::kInt;
    while (IsOneOf(*p, "hlzjt")) {
      if (*p == 'l') width = width == Width::kLong ? Width::kLongLong : Width::kLong;
      if (*p == 'z' || *p == 't') width = Width::kSize;
      if (*p == 'j') width = Width::kLongLong;
      ++p;
    }
    const char conversion = *p;
    if (conversion != '\0') ++p;
    if (conversion == 'd' || conversion == 'i') {
      int64_t value = 0;
      switch (width) {
        case Width::kInt:
          value = va_arg(list, int);
          break;
        case Width::kLong:
          value = va_arg(list, long);
          break;
        case Width::kLongLong:
          value = va_arg(list, long long);
          break;
        case Width::kSize:
          value = va_arg(list, ptrdiff_t);
          break;
      }
      if (value < 0) writer.Put('-');
      writer.PutUnsigned(value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value), 10);
    } else if (conversion == 'u' || conversion == 'x' || conversion == 'X') {
      uint64_t value = 0;
      switch (width) {
        case Width::kInt:
          value = va_arg(list, unsigned);
          break;
        case Width::kLong:
          value = va_arg(list, unsigned long);
          break;
        case Width::kLongLong:
          value = va_arg(list, unsigned long long);
          break;
        case Width::kSize:
          value = va_arg(list, size_t);
          break;
      }
      writer.PutUnsigned(value, conversion == 'u' ? 10 : 16);
    } else if (conversion == 'c') {
      writer.Put(static_cast<char>(va_arg(list, int)));
    } else if (conversion == 's') {
      const char* text = va_arg(list, const char*);
      writer.Put(text != nullptr ? text : "(null)");
    } else if (conversion == 'p') {
      writer.PutUnsigned(reinterpret_cast<uintptr_t>(va_arg(list, void*)), 16);
    } else if (conversion == '%') {
      writer.Put('%');
    } else {
      writer.Put(start);  // its argument cannot be skipped, so nothing behind it could be right
      break;
    }
  }
  va_end(list);
  return writer.Finish();
}

}  // namespace kws::engine::tflm

// What TensorFlow Lite for Microcontrollers asks of a platform (tensorflow/lite/micro/debug_log.h). The text goes out
// between the frames of the serial link, where the host takes it for boot text. A tree that declares one of the two
// with other parameters is refused by the compiler: C functions cannot be overloaded.
extern "C" {
void DebugLog(const char* format, va_list arguments) {
  constexpr size_t kLineBytes = 160;
  char line[kLineBytes];
  const size_t length = kws::engine::tflm::FormatLog(line, sizeof line, format, arguments);
  kws::board::WriteSerial(reinterpret_cast<const uint8_t*>(line), length < sizeof line ? length : sizeof line - 1);
}

int DebugVsnprintf(char* buffer, size_t size, const char* format, va_list arguments) {
  return static_cast<int>(kws::engine::tflm::FormatLog(buffer, size, format, arguments));
}
}
