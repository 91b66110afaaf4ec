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

// Passes the flags, the field width and the precision, which are ignored, and reads the length of the argument.
const char* ReadWidth(const char* p, Width* width) {
  *width = Width::kInt;
  while (IsOneOf(*p, "-+ #0123456789.")) ++p;
  for (; IsOneOf(*p, "hlzjt"); ++p) {
    if (*p == 'l') *width = *width == Width::kLong ? Width::kLongLong : Width::kLong;
    if (*p == 'z' || *p == 't') *width = Width::kSize;
    if (*p == 'j') *width = Width::kLongLong;
  }
  return p;
}

// The arguments that are left; a va_list itself cannot be handed on and read further.
struct Arguments {
  va_list list;
};

int64_t NextSigned(Arguments* arguments, Width width) {
  switch (width) {
    case Width::kInt:
      return va_arg(arguments->list, int);
    case Width::kLong:
      return va_arg(arguments->list, long);  // NOLINT(google-runtime-int): what %ld takes
    case Width::kLongLong:
      return va_arg(arguments->list, long long);  // NOLINT(google-runtime-int): what %lld takes
    case Width::kSize:
      return va_arg(arguments->list, ptrdiff_t);
  }
  return 0;
}

uint64_t NextUnsigned(Arguments* arguments, Width width) {
  switch (width) {
    case Width::kInt:
      return va_arg(arguments->list, unsigned);
    case Width::kLong:
      return va_arg(arguments->list, unsigned long);  // NOLINT(google-runtime-int): what %lu takes
    case Width::kLongLong:
      return va_arg(arguments->list, unsigned long long);  // NOLINT(google-runtime-int): what %llu takes
    case Width::kSize:
      return va_arg(arguments->list, size_t);
  }
  return 0;
}

// Writes the next argument. False: the conversion is unknown, and what is behind it cannot be read.
bool PutConverted(Writer* writer, char conversion, Width width, Arguments* arguments) {
  switch (conversion) {
    case 'd':
    case 'i': {
      const int64_t value = NextSigned(arguments, width);
      if (value < 0) writer->Put('-');
      writer->PutUnsigned(value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value), 10);
      return true;
    }
    case 'u':
      writer->PutUnsigned(NextUnsigned(arguments, width), 10);
      return true;
    case 'x':
    case 'X':
      writer->PutUnsigned(NextUnsigned(arguments, width), 16);
      return true;
    case 'c':
      writer->Put(static_cast<char>(va_arg(arguments->list, int)));
      return true;
    case 's': {
      const char* text = va_arg(arguments->list, const char*);
      writer->Put(text != nullptr ? text : "(null)");
      return true;
    }
    case 'p':
      writer->PutUnsigned(reinterpret_cast<uintptr_t>(va_arg(arguments->list, void*)), 16);
      return true;
    case '%':
      writer->Put('%');
      return true;
    default:
      return false;
  }
}

}  // namespace

size_t FormatLog(char* out, size_t capacity, const char* format, va_list arguments) {
  Writer writer(out, capacity);
  Arguments left;
  va_copy(left.list, arguments);
  for (const char* p = format; *p != '\0';) {
    if (*p != '%') {
      writer.Put(*p++);
      continue;
    }
    Width width = Width::kInt;
    const char* end = ReadWidth(p + 1, &width);
    if (!PutConverted(&writer, *end, width, &left)) {
      writer.Put(p);  // as it stands, with all that follows
      break;
    }
    p = end + 1;
  }
  va_end(left.list);
  return writer.Finish();
}

}  // namespace kws::engine::tflm

// What TensorFlow Lite for Microcontrollers asks of a platform (tensorflow/lite/micro/debug_log.h). The text goes out
// between the frames of the serial link, where the host takes it for boot text. A tree that declares one of the two
// with other parameters is refused by the compiler: C functions cannot be overloaded.
extern "C" {
void DebugLog(const char* format, va_list args) {
  constexpr size_t kLineBytes = 160;
  char line[kLineBytes];
  const size_t length = kws::engine::tflm::FormatLog(line, sizeof line, format, args);
  kws::board::WriteSerial(reinterpret_cast<const uint8_t*>(line), length < sizeof line ? length : sizeof line - 1);
}

int DebugVsnprintf(char* buffer, size_t buf_size, const char* format, va_list vlist) {
  return static_cast<int>(kws::engine::tflm::FormatLog(buffer, buf_size, format, vlist));
}
}
