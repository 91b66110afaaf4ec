#include "mlperf/words.h"

namespace kws::mlperf {

char* Words::Next() {
  while (*rest_ == ' ') ++rest_;
  if (*rest_ == 0) return nullptr;
  char* word = rest_;
  while (*rest_ != ' ' && *rest_ != 0) ++rest_;
  if (*rest_ == ' ') *rest_++ = 0;
  return word;
}

int32_t ParseNumber(const char* word) {
  const bool negative = *word == '-';
  if (*word == '-' || *word == '+') ++word;
  int64_t value = 0;
  for (; *word >= '0' && *word <= '9' && value <= INT32_MAX; ++word) value = 10 * value + (*word - '0');
  if (negative) value = -value;
  return static_cast<int32_t>(value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value);
}

}  // namespace kws::mlperf
