// Formatting for the interpreter's log without the C library's stdio, which would bring a heap along.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace kws::engine::tflm {

// Writes `format` with `arguments` to `out` as a terminated string, cut to `capacity` - 1 characters.
//   Knows %d %i %u %x %c %s %p %% with the length modifiers h hh l ll z j t; flags, widths and precisions are read and
//   ignored. Other conversions (floating point) end the line with their text, for their arguments cannot be skipped.
// Returns the length of the whole text as if there were room (as vsnprintf does).
size_t FormatLog(char* out, size_t capacity, const char* format, va_list arguments);

}  // namespace kws::engine::tflm
